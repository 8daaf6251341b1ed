//! The owner's first minute.
use crate::support::installation;
use kefu::setup;
use poem::http::StatusCode;

#[tokio::test]
async fn the_owner_makes_an_account_and_finds_the_way_to_the_first_chat() {
    let site = installation().await;
    let url = setup::setup_url(&site.app);
    let path = url.strip_prefix("http://127.0.0.1:3000").unwrap();
    let owner = site.stranger();
    owner.get("/").await.must(StatusCode::OK).says("There is no owner yet");
    assert_eq!(owner.get("/login").await.goes_to(), "/");
    let page = owner.get(path).await.must(StatusCode::OK);
    let token = page.field("token");
    let form = |password| {
        vec![
            ("token", token.clone()),
            ("language", "zh-CN".to_owned()),
            ("name", "林小雨".into()),
            ("email", "lin@shop.example".into()),
            ("password", String::from(password)),
        ]
    };
    let refused = post(&owner, form("short")).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("至少需要 15 个字符").says("value=\"lin@shop.example\"").says("value=\"林小雨\"");
    assert_eq!(post(&owner, form("correct horse battery")).await.goes_to(), "/setup/install");

    let install = owner.get("/setup/install").await.must(StatusCode::OK);
    install.says("http://127.0.0.1:3000/w/demo").says("<svg role=\"img\"").says("&#60;a href=");
    // Where it will stand is asked for before it is pasted, so that it is not blank there.
    install.says("data-copy=\"snippet-1\"").says("您网站的网址");
    let next =
        install.all("<form method=\"post\" action=\"")[0].split('"').next().unwrap().to_owned();
    let check = owner.post(&next, &[("origin", "shop.example")]).await.goes_to();
    let check = owner.get(&check).await.must(StatusCode::OK);
    check.says("安装检测").says("data-copy=\"snippet\"").says_not("还没有网址可以嵌入");
    let install = owner.get("/setup/install").await;
    install.says("安装步骤与检测").says_not("您网站的网址");
    owner.get("/desk/c").await.must(StatusCode::OK).says("会话");
    let front = site.stranger().get("/?lang=zh-CN").await.must(StatusCode::OK);
    front.says("href=\"/desk\"").says_not("setup:").says_not("青禾商城").says_not("/w/demo");
    assert_eq!(
        post(&site.stranger(), form("correct horse battery")).await.goes_to(),
        "/login",
        "there is one owner"
    );
}

async fn post(
    person: &crate::support::Person,
    fields: Vec<(&str, String)>,
) -> crate::support::Answer {
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    person.post("/setup", &fields).await
}

#[tokio::test]
async fn without_the_token_of_the_terminal_nobody_becomes_owner() {
    let site = installation().await;
    let stranger = site.stranger();
    for token in ["", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        stranger.get(&format!("/setup?token={token}")).await.must(StatusCode::FORBIDDEN);
        let fields = [
            ("token", token),
            ("language", "en"),
            ("name", "Mallory"),
            ("email", "m@evil.example"),
            ("password", "correct horse battery"),
        ];
        stranger.post("/setup", &fields).await.must(StatusCode::FORBIDDEN);
    }
    stranger.get("/").await.says("There is no owner yet");
}

#[tokio::test]
async fn the_demo_shop_opens_the_chat_in_a_frame() {
    let site = installation().await;
    let stranger = site.stranger();
    stranger
        .get("/demo?lang=en")
        .await
        .must(StatusCode::OK)
        .says("<iframe src=\"/w/demo?lang=en\"")
        .says("href=\"/w/demo?lang=en\"");
    assert!(stranger.cookies().is_empty());
}
