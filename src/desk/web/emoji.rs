//! Emoji to choose from, as a fragment that the composer asks for when it is first wanted.
use crate::{agent::CurrentAgent, error::Result, text::Lang, web::page::html};
use askama::Template;
use poem::{
    Response, handler,
    http::{HeaderValue, header},
};

/// The key of a group's name, and what is in it. Nothing here is younger than Unicode 9, so that every system draws it.
const GROUPS: [(&str, &str); 6] = [
    (
        "emoji-faces",
        "😀 😃 😄 😁 😆 😅 😂 🙂 🙃 😉 😊 😇 😍 😘 😗 😚 😋 😛 😜 😝 🤗 🤔 🤐 😐 😑 😶 😏 😒 🙄 😬 😌 😔 😪 😴 😷 🤒 🤕 😎 🤓 😕 😟 🙁 😮 😯 😲 😳 😦 😧 😨 😰 \
         😥 😢 😭 😱 😖 😣 😞 😓 😩 😫 😤 😡 😠 🤧",
    ),
    (
        "emoji-hands",
        "👍 👎 👌 ✌️ 🤞 🤙 👋 🤝 🙏 👏 🙌 👐 💪 ✊ 👊 👈 👉 👆 👇 ☝️ ✋ 🖐️ ✍️ 🙋 🙆 🙅 🤷 🤦 🙇 👀",
    ),
    (
        "emoji-marks",
        "❤️ 💛 💚 💙 💜 🖤 💔 💕 💖 💯 ✅ ❌ ❗ ❓ ‼️ ⁉️ ⚠️ 🚫 ⭕ 🆗 🆕 🔥 ✨ ⭐ 🌟 💫 💥 💢 💤 💬 🔔 ➕ ➖ ➡️ ⬅️ ⬆️ ⬇️ 🔄 🔴 🔵",
    ),
    (
        "emoji-things",
        "📦 🚚 ✈️ 🚢 🏠 🏢 🏪 📱 💻 🖨️ 📷 📞 📧 📝 📄 📎 📅 ⏰ ⌛ 💰 💳 💵 🎫 🏷️ 🛒 🛍️ 🔑 🔒 🔓 🔍 🔧 🔗 📌 📍 💡 📈 📉 📊 👕 👗 👟",
    ),
    (
        "emoji-joys",
        "🎉 🎊 🎁 🎂 🎈 🏆 🥇 🌹 💐 🌸 🌻 🍀 ☕ 🍵 🍺 🍻 🥂 🍰 🍎 🍉 🍓 🍜 🍚 🏮 🎆 🎵 ⚽ 🏀",
    ),
    ("emoji-nature", "☀️ 🌤️ ☁️ 🌧️ ⛈️ ❄️ 🌈 🌙 🌊 🌍 🐶 🐱 🐰 🐼 🐯 🐷 🐵 🐔 🐟 🐝 🦋 🌲 🌴 🍁"),
];

#[derive(Template)]
#[template(path = "desk/_emoji.html")]
struct EmojiFragment {
    lang: Lang,
}

#[handler]
pub fn choose_emoji(me: CurrentAgent) -> Result<Response> {
    let mut response = html(&EmojiFragment { lang: me.lang })?;
    // The same for whoever reads the language, which the address names.
    let kept = HeaderValue::from_static("private, max-age=86400");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    Ok(response)
}
