//! What is forgotten, and what is not.
use crate::support::installation;
use jiff::SignedDuration;
use kefu::conversation;
use poem::http::StatusCode;

#[tokio::test]
async fn a_conversation_closed_long_ago_is_forgotten_with_its_visitor_and_others_stay() {
    let site = installation().await;
    let ana = site.ana().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    for id in [1, 2] {
        ana.act(id, "close").await.must(StatusCode::OK);
    }
    // Vera's was closed two years ago, Walt's just now.
    let old = SignedDuration::from_hours(24 * 731).as_secs() * 1_000_000;
    site.change(&format!("UPDATE conversation SET closed_at = closed_at - {old} WHERE id = 1"))
        .await;
    let cutoff = site.app.db.now().await.unwrap() - SignedDuration::from_hours(24 * 730);
    assert_eq!(conversation::forget_closed_before(&site.app, cutoff).await.unwrap(), 1);
    assert_eq!(conversation::forget_closed_before(&site.app, cutoff).await.unwrap(), 0);

    vera.person.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    ana.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    walt.page().await;
    ana.person.get("/desk/c/2").await.must(StatusCode::OK);
    for (table, left) in [("entry", 2), ("contact", 1), ("visitor_token", 1), ("conversation", 1)] {
        assert_eq!(site.count(table).await, left, "{table}");
    }
}
