//! Files in a bucket: several nodes share them, and what becomes of them and of everything else when its server is away.
use super::follow;
use crate::support::{Person, cluster, installation_with_bucket, s3::S3};
use kefu::{attachment, files::Trouble, ids::Nonce};
use poem::{
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
};
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_what_is_in_a_bucket() {
    let site = installation_with_bucket().await;
    let vera = site.vera().await;
    let folder = tempfile::tempdir().unwrap();
    let own = site.app.config.clone();
    let node = site
        .node_with(|config| {
            config.database_url = Some(own.database_url());
            config.secret_key =
                Some(std::fs::read_to_string(own.data_dir.join("secret.key")).unwrap());
            config.data_dir = folder.path().to_owned();
        })
        .await;
    let file = vera.has("a.txt", b"one for all").await;
    let path = vera.path(&format!("/files/{file}"));
    for door in [site.door.clone(), node.door.clone()] {
        assert_eq!(follow(&vera.person.at(door), &path).await.1, b"one for all");
    }
    assert_eq!(site.s3.as_ref().unwrap().kept(), 1);
    assert!(!own.data_dir.join("files").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_bucket_is_away_files_are_refused_in_words_and_messages_pass() {
    let mut site = installation_with_bucket().await;
    let mut s3 = site.s3.take().unwrap();
    site.app.files.check().await.unwrap();
    let (vera, walt) = (site.vera().await, site.walt().await);
    let big = vec![b'x'; 11_000_000];
    let file = vera.has("a.txt", b"a").await;
    let path = vera.path(&format!("/files/{file}"));
    let link = vera.person.get(&path).await.goes_to();
    let sizes: [&[u8]; 2] = [b"b", &big];

    s3.pause();
    let bringing = sizes.map(|bytes| vera.brings("b.txt", bytes));
    let talking = async {
        let mut all = Vec::new();
        for n in 0..50 {
            let began = Instant::now();
            walt.say(&n.to_string()).await.must(StatusCode::OK);
            vera.page().await.must(StatusCode::OK);
            all.push(began.elapsed());
        }
        // Whom the bucket is in the way of it is in the way of each time; a machine that stands still is so once or twice.
        all.sort();
        all[45]
    };
    let began = Instant::now();
    let (brought, slowest, looked) =
        tokio::join!(futures_util::future::join_all(bringing), talking, vera.person.get(&link));
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert!(began.elapsed() < Duration::from_secs(45), "{:?}", began.elapsed());
    for refused in brought.into_iter().chain([looked]) {
        refused.must(StatusCode::SERVICE_UNAVAILABLE).says("Files cannot be sent or shown");
    }
    assert!(matches!(site.app.files.look().await, Err(Trouble::Away(_))));
    warns(&site.stranger(), true).await;
    s3.resume();
    site.app.files.look().await.unwrap();
    warns(&site.stranger(), false).await;

    s3.kill().await;
    vera.brings("c.txt", b"c").await.must(StatusCode::SERVICE_UNAVAILABLE);
    assert!(attachment::remove_gone(&site.app).await.is_err());
    assert_eq!(site.count("attachment").await, 4, "nothing is forgotten before it is removed");
    s3.start_again().await;
    // What failed was removed, though parts of it may have arrived, and counts for nothing.
    assert_eq!(attachment::remove_gone(&site.app).await.unwrap(), 3);
    assert_eq!((s3.kept(), site.count("attachment").await), (1, 1));
    let last = vera.has("b.txt", &big).await;
    vera.sends(&Nonce::new(), "", &[&file, &last]).await.must(StatusCode::OK);
    assert_eq!(follow(&vera.person, &path).await.1, b"a");
    assert_eq!(follow(&vera.person, &vera.path(&format!("/files/{last}"))).await.1, big);
}

/// Where whatever is asked for is in no bucket: s3s-fs makes one that is missing, others answer like this, as
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html> says.
#[expect(clippy::disallowed_types, reason = "it says one thing, for a moment, and only to us")]
async fn without_bucket() -> String {
    let missing = poem::endpoint::make_sync(|_| {
        let told = "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message></Error>";
        poem::Response::builder()
            .status(StatusCode::NOT_FOUND)
            .content_type("application/xml")
            .body(told)
    });
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_string();
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(missing));
    format!("s3://gone/shop?endpoint=http://{address}&region=us-east-1")
}

async fn warns(person: &Person, away: bool) {
    let ready = person.get("/readyz").await.must(StatusCode::OK);
    assert_eq!(ready.body.contains("--files-url"), away, "{}", ready.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_right_is_told_at_start_and_one_that_is_away_later() {
    let mut s3 = S3::start().await;
    let gone = without_bucket().await;
    for (url, secret, told) in [
        (&*s3.url(), "wrong", "AWS_SECRET_ACCESS_KEY"),
        (&gone, "", "no such bucket"),
        ("ftp://x", "", "must look like s3://"),
        ("s3://a:b@kefu", "", "holds no credentials"),
        ("s3://kefu?endpoint=x", "", "must look like https://"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut kefu = Command::new(env!("CARGO_BIN_EXE_kefu"));
        kefu.args(["--listen", "127.0.0.1:0", "--files-url", url, "--data-dir"]).arg(folder.path());
        if !secret.is_empty() {
            kefu.env("AWS_SECRET_ACCESS_KEY", secret);
        }
        let ended = kefu.env_remove("KEFU_DATABASE_URL").stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(told), "{url}: {said}");
    }

    s3.kill().await;
    let server =
        cluster::Server::start(None, &cluster::secret(), &["--files-url", &s3.url()]).await;
    let warned = async |away: bool| {
        let as_wanted =
            |(status, body): (u16, String)| status == 200 && body.contains("--files-url") == away;
        while !cluster::get(server.address, "/readyz").await.is_some_and(as_wanted) {}
    };
    tokio::time::timeout(Duration::from_secs(10), warned(true)).await.unwrap();
    s3.start_again().await;
    tokio::time::timeout(Duration::from_secs(60), warned(false)).await.unwrap();
}
