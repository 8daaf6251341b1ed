//! The example clients, against a real server, over a line that is cut all the time.
use crate::support::{installation, proxy};
use kefu::{
    agent::{Role, Scope},
    ids::ConversationId,
};
use std::{path::PathBuf, time::Duration};
use tokio::process::Command;

const ROUNDS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_rust_loses_and_doubles_nothing() {
    // Built beside this test.
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    talk("rust", Command::new(program.join("examples/visitor"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_javascript_loses_and_doubles_nothing() {
    let mut node = Command::new("node");
    // As in a Node that has no WebSocket.
    node.args([
        "--import",
        "data:text/javascript,delete globalThis.WebSocket",
        "examples/visitor.mjs",
    ]);
    talk("javascript over rest", node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_javascript_speaks_over_the_socket_where_there_is_one() {
    // Node 20 and 21 have it behind a flag, which later ones still take.
    let flag = "--experimental-websocket";
    let mut node = Command::new("node");
    node.args([flag, "examples/visitor.mjs"]);
    talk("javascript", node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_loses_and_doubles_nothing() {
    let python = std::env::var_os("KEFU_PYTHON").map_or("python3".into(), PathBuf::from);
    let mut command = Command::new(python);
    command.arg("examples/visitor.py");
    talk("python", command).await;
}

async fn talk(name: &str, mut program: Command) {
    let site = installation().await;
    let ana = site.ana().await;
    let line = proxy::cutting(site.listening().await, Duration::from_millis(600)).await;
    let url = format!("http://{line}");
    // The very first request, for a token, is not repeated by every example; it may be cut like all others.
    let first = format!("hello from {name}");
    program.args([&url, "demo", &first]).kill_on_drop(true);
    let output = tokio::spawn(async move { program.output().await.unwrap() });
    let id = loop {
        let queue = ana.person.get("/desk/c?tab=queue").await;
        if let Some(id) = queue.all("id=\"c-").first() {
            break id.parse().unwrap();
        }
        assert!(!output.is_finished(), "{name}: {:?}", output.await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut expected = vec![format!("1 {first}")];
    for round in 0..ROUNDS {
        ana.reply(id, &format!("round {round}")).await;
        let (asked, answered) = (2 * round + 2, 2 * round + 3);
        ana.has_seen(&site, ConversationId(id), answered).await;
        expected.push(format!("{asked} round {round}"));
        expected.push(format!("{answered} got: round {round}"));
    }
    ana.reply(id, "bye").await;
    expected.push(format!("{} bye", 2 * ROUNDS + 2));
    let output = tokio::time::timeout(Duration::from_secs(30), output).await;
    let output = output.expect("the example leaves").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        expected,
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The five lines of `docs/api.md`, run as they stand there.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_conversation_of_the_documentation_takes_place() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let ana = site.agent_program("ana", Scope::Write).await;
    let server = site.listening().await;
    let page = include_str!("../../docs/api.md");
    let lines = page.split("```sh\n").nth(1).unwrap().split("```").next().unwrap();
    let lines = lines.replace("http://127.0.0.1:3000", &format!("http://{server}"));
    let output = Command::new("bash")
        .args(["-euc", &lines])
        .env("AGENT", &ana.token)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.ends_with("Hello, how can we help?\n"), "{said} {output:?}");
}
