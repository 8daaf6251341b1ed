//! What `openapi.json` promises, asked with whatever schemathesis thinks of (T27): 50 examples an operation, as nobody and in
//! four roles. The same ones each time; others with KEFU_SEED=…, more with KEFU_EXAMPLES=….
use crate::support::{by_hand, installation};
use kefu::agent::{Role, Scope};
use std::path::PathBuf;
use tokio::process::Command;

/// What JSON Schema cannot say is refused although the schema allows it: the letters of a nonce, which cursors are ours.
const CHECKS: &str = "positive_data_acceptance";

#[tokio::test(flavor = "multi_thread")]
async fn no_request_breaks_what_the_description_promises() {
    let seed: u64 = by_hand("KEFU_SEED").unwrap_or(27);
    let examples: usize = by_hand("KEFU_EXAMPLES").unwrap_or(50);
    let site = installation().await;
    let server = site.listening().await;
    site.employ("ana", Role::Owner).await;
    site.employ("rob", Role::ReadOnly).await;
    let vera = site.visitor_program().await;
    let cid = vera.start("hello").await;
    let roles = [
        ("nobody", String::new(), cid.clone()),
        ("visitor", vera.token.clone(), cid),
        ("read-only", site.agent_program("rob", Scope::Write).await.token, "1".into()),
        ("reader", site.agent_program("ana", Scope::Read).await.token, "1".into()),
        ("owner", site.agent_program("ana", Scope::Write).await.token, "1".into()),
    ];
    let python = std::env::var_os("KEFU_PYTHON").map_or("python3".into(), PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    for (role, token, conversation) in roles {
        let url = format!("http://{server}/api/v1");
        let mut command = Command::new(&python);
        command
            .args(["-m", "schemathesis.cli", "run", &format!("{url}/openapi.json"), "--url", &url])
            .args(["--max-examples", &examples.to_string(), "--seed", &seed.to_string()])
            .args(["--checks", "all", "--exclude-checks", CHECKS])
            .args(["--suppress-health-check", "all", "--no-color", "--workers", "1"])
            .env("SCHEMATHESIS_HOOKS", "conversations")
            .env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it"))
            .env("KEFU_CONVERSATION", &conversation)
            .current_dir(folder.path())
            .kill_on_drop(true);
        if !token.is_empty() {
            command.args(["-H", &format!("Authorization: Bearer {token}")]);
        }
        let output = command.output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let cases = said.lines().find(|line| line.contains(" generated,")).unwrap_or_default();
        println!("as {role}: {}", cases.trim());
        assert!(
            output.status.success(),
            "as {role}:\n{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    site.stranger().get("/readyz").await.must(poem::http::StatusCode::OK);
}
