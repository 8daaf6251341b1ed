//! Whom the process calls (T35).
use std::process::Command;

/// T35: whatever people typed, nothing was connected to and no name was looked up. The one connection that the test opens itself shows that none is missed.
#[test]
fn t35_nobody_is_called_whose_address_somebody_typed() {
    let told = tempfile::NamedTempFile::new().unwrap();
    let strace = "-f -qq --seccomp-bpf -e signal=none -e trace=connect,sendto,sendmsg,sendmmsg -o";
    let output = Command::new("strace")
        .args(strace.split(' '))
        .arg(told.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "outbound::nobody_makes_the_server_call_an_address"])
        // A server with the database or the files would be called.
        .env_remove("KEFU_TEST_DATABASE_URL")
        .env_remove("KEFU_TEST_FILES")
        .output()
        .expect("strace is installed by tests/run");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    let told = std::fs::read_to_string(told.path()).unwrap();
    let calls: Vec<_> = told.lines().filter(|line| line.contains("sa_family=AF_INET")).collect();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    assert!(calls[0].contains("connect(") && calls[0].contains("127.0.0.1"), "{calls:?}");
}
