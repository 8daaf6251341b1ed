//! What is sent to each address: by everybody the same, filled in as it has to be. In braces stands what people.rs makes.
use super::people::{PICTURE, People, SHEET};

pub const FORMS: &[(&str, &str)] = &[
    ("/w/:site/start", "visitor={visitor}&nonce={nonce}&body=x"),
    ("/w/:site/identify", "said=%7B%7D"),
    ("/w/:site/forget", ""),
    ("/c/:cid/messages", "nonce={nonce}&body=x"),
    ("/c/:cid/end", "nonce={nonce}"),
    ("/c/:cid/read", "seq=1"),
    ("/c/:cid/typing", ""),
    ("/c/:cid/pages", "pages=[%7B%22ago%22:1,%22url%22:%22https://a.example%22%7D]"),
    ("/c/:cid/files", PICTURE),
    ("/setup", "token=AAAA&name=x&email=a%40b.c&password=correct+horse+battery&language=en"),
    ("/login", "email=ana%40shop.example&password=correct+horse+battery+staple"),
    ("/logout", ""),
    ("/invite", "token={invitation}&password=correct+horse+battery"),
    ("/desk/c/:id/messages", "nonce={nonce}&kind=text&body=x"),
    ("/desk/c/:id/files", PICTURE),
    ("/desk/c/:id/seen", "seq=1"),
    ("/desk/c/:id/typing", ""),
    ("/desk/c/:id/draft", "kind=text&body=x"),
    ("/desk/c/:id/claim", "nonce={nonce}"),
    ("/desk/c/:id/close", "nonce={nonce}&tagged=1&tag={tag}"),
    ("/desk/c/:id/reopen", "nonce={nonce}"),
    ("/desk/c/:id/transfer", "nonce={nonce}&to=team-{team}&note=x"),
    ("/desk/c/:id/invite", "nonce={nonce}&agent={colleague}"),
    ("/desk/c/:id/snooze", "nonce={nonce}&until={soon}"),
    ("/desk/c/:id/wake", "nonce={nonce}"),
    ("/desk/c/:id/priority", "nonce={nonce}&priority=high"),
    ("/desk/c/:id/tags", "nonce={nonce}&tag={tag}"),
    ("/desk/c/:id/unread", "nonce={nonce}"),
    ("/desk/c/:id/m/:seq/edit", "nonce={nonce}&body=x"),
    ("/desk/c/:id/m/:seq/recall", "nonce={nonce}"),
    ("/desk/c/:id/side/fields", "field=phone&value=138"),
    ("/desk/c/:id/side/tags", "value=x"),
    ("/desk/c/:id/side/tags/remove", "value=x"),
    ("/desk/c/:id/side/notes", "nonce={nonce}&body=x"),
    ("/desk/c/:id/side/notes/remove", "note={note}"),
    // Walt's contact is the first.
    ("/desk/c/:id/side/merge", "with=1"),
    ("/desk/c/:id/side/block", "reason=x"),
    ("/desk/c/:id/side/unblock", "reason=x"),
    ("/desk/bulk", "nonce={nonce}&id={id}&do=close"),
    ("/desk/views", "name=x&asks=tab%3Dmine"),
    ("/desk/views/:id", "name=y&asks=tab%3Dmine&again=1"),
    ("/desk/views/:id/remove", ""),
    ("/desk/me/state", "state=busy"),
    ("/desk/keys", "single=off"),
    ("/desk/me/profile", "name=x&language=en&theme=dark"),
    ("/desk/me/password", "current=correct+horse+battery+staple&password=another+horse+battery"),
    ("/desk/me/sessions/end", "session={session}"),
    ("/desk/me/tokens", "name=x&scope=read&lifetime=30"),
    ("/desk/me/tokens/end", "token={token}"),
    ("/desk/settings/notifications", "sound=off&volume=50"),
    ("/desk/settings/tags", "name=x"),
    ("/desk/settings/tags/:id/rename", "name=x"),
    ("/desk/settings/tags/:id/remove", ""),
    ("/desk/settings/attributes", "key=x&kind=text&label_zh=x&label_en=x"),
    ("/desk/settings/attributes/:attribute", "label_zh=y&label_en=y"),
    ("/desk/settings/attributes/:attribute/remove", ""),
    ("/desk/settings/blocked/lift", "contact={contact}"),
    ("/desk/settings/agents", "name=x&email=a%40b.c&role=agent"),
    ("/desk/settings/agents/:agent", "name=x&role=agent&capacity=7"),
    ("/desk/settings/agents/:agent/link", ""),
    ("/desk/settings/agents/:agent/disable", ""),
    ("/desk/settings/agents/:agent/enable", ""),
    ("/desk/settings/file-kinds", ""),
    ("/desk/settings/canned-replies", "title=x&short_code=x&body=x&scope=own"),
    ("/desk/settings/canned-replies/import", "sheet=Title%2CShort+code%2CText%0Aa%2Cb%2Cc"),
    ("/desk/settings/canned-replies/import/files", SHEET),
    ("/desk/settings/canned-replies/:reply", "title=x&short_code=x&body=x&scope=own"),
    ("/desk/settings/canned-replies/:reply/remove", ""),
    ("/desk/settings/sites", "name=x"),
    (
        "/desk/settings/sites/:site",
        "name=x&language=en&zone=Asia%2FShanghai&color=%23336699&offset_x=20&offset_y=20",
    ),
    ("/desk/settings/sites/:site/logo/files", PICTURE),
    ("/desk/settings/sites/:site/logo/remove", ""),
    ("/desk/settings/sites/:site/origins", "origin=https%3A%2F%2Fa.example"),
    ("/desk/settings/sites/:site/identity", "act=make"),
    ("/desk/settings/teams", "name=x"),
    ("/desk/settings/teams/:team", "name=x"),
    ("/desk/settings/teams/:team/remove", ""),
];

/// What ana does before, where else there would be nothing to do: by how a row ends.
const BEFORE: &[(&str, &str, &str)] = &[
    ("reopen", "/desk/c/{id}/close", "nonce={nonce}"),
    ("wake", "/desk/c/{id}/snooze", "nonce={nonce}&until={soon}"),
    ("/side/tags/remove", "/desk/c/{id}/side/tags", "value=x"),
    ("/unblock", "/desk/c/{id}/side/block", "reason=x"),
    ("/lift", "/desk/c/{id}/side/block", "reason=x"),
    ("/enable", "/desk/settings/agents/{newcomer}/disable", ""),
    ("/logo", "/desk/settings/sites/demo/logo/files", PICTURE),
    ("/logo/remove", "/desk/settings/sites/demo/logo/files", PICTURE),
];

impl People {
    pub async fn get_ready(&self, row: &str) {
        for (_, path, form) in BEFORE.iter().filter(|(end, ..)| row.ends_with(end)) {
            let (path, form) = (self.filled("ana", path).await, self.filled("ana", form).await);
            self.send(&self.ana.person, "POST", &path, &form).await;
        }
    }

    pub async fn form(&self, who: &str, path: &str) -> String {
        let form = FORMS.iter().find(|(of, _)| *of == path);
        let (_, form) = form.unwrap_or_else(|| panic!("no form for {path}"));
        self.filled(who, form).await
    }
}
