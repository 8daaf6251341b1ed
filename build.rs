//! Puts the assets into the binary: joins their sources into bundles, names each by its content,
//! and compresses it once, as well as can be. `src/web/assets.rs` includes what is written here.
use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{
    env,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

/// What a page asks for, the directory of its sources, and their names in order.
const BUNDLES: &[(&str, &str, &str)] = &[
    ("visitor.css", "css", "tokens base message composer visitor live"),
    (
        "desk.css",
        "css",
        "tokens base message composer desk form settings contact canned_reply search",
    ),
    ("form.css", "css", "tokens base form"),
    ("docs.css", "css", "tokens base docs"),
    ("shop.css", "css", "tokens base shop"),
    ("dark.css", "css", "dark"),
    ("live.js", "vendor", "htmx.min hx-sse.min hx-upsert.min"),
    ("visitor.js", "js", "log draft stream outbox composer attach framed"),
    // The same for a page that is known to stand in a frame: a request less.
    ("frame.js", "js", "log draft stream outbox composer attach embed"),
    (
        "desk.js",
        "js",
        "log kept beside stream leader line desk waits still outbox attach offers emoji panel side typed told dialog keys copy command more pick preview",
    ),
    ("command.js", "js", "command"),
    ("palette.js", "js", "palette"),
    ("copy.js", "js", "copy"),
    ("ladder.js", "js", "ladder"),
    ("upload.js", "js", "upload"),
    ("embed.js", "js", "embed"),
    ("icons.svg", "", "icons"),
    ("icon.svg", "", "icon"),
    ("icon_dot.svg", "", "icon_dot"),
];

/// What visitors wait for.
const SQUEEZED: &[&str] = &["visitor.js", "frame.js"];

fn main() -> Result<()> {
    println!("cargo:rerun-if-changed=build.rs");
    // The simulation answers instead of the system when somebody asks for chance; see tests/simulation/main.rs.
    println!("cargo:rustc-link-arg-tests=-Wl,--export-dynamic-symbol=getrandom");
    println!("cargo:rerun-if-changed=assets");
    let assets = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("assets");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let (mut names, mut table) = (String::new(), String::new());
    for (bundle, directory, sources) in BUNDLES {
        let (stem, extension) = bundle.split_once('.').context("a bundle has an extension")?;
        let text = join(&assets.join(directory), sources, extension)
            .with_context(|| format!("cannot make {bundle}"))?;
        let text = if SQUEEZED.contains(bundle) { squeezed(&text) } else { text };
        fs::write(out.join(bundle), &text)?;
        fs::write(out.join(format!("{bundle}.br")), brotli(text.as_bytes())?)?;
        fs::write(out.join(format!("{bundle}.gz")), gzip(text.as_bytes())?)?;

        let name = format!("{stem}_{extension}").to_uppercase();
        let hash = Sha256::digest(&text);
        let hash: String = hash[..5].iter().map(|byte| format!("{byte:02x}")).collect();
        let content_type = content_type(extension)?;
        writeln!(names, "pub const {name}: &str = \"/a/{stem}.{hash}.{extension}\";")?;
        writeln!(table, "Asset {{ path: {name}, content_type: \"{content_type}\",")?;
        for (field, suffix) in [("raw", ""), ("br", ".br"), ("gz", ".gz")] {
            let file = format!("concat!(env!(\"OUT_DIR\"), \"/{bundle}{suffix}\")");
            writeln!(table, "    {field}: include_bytes!({file}),")?;
        }
        writeln!(table, "}},")?;
    }
    make_loader(&assets.join("js"), &out)?;
    let generated = format!("{names}\npub static ALL: &[Asset] = &[\n{table}];\n");
    fs::write(out.join("assets.rs"), generated)?;
    Ok(())
}

/// The script of a customer's page: a function that what the server knows of the site is given to. Its compressed form ends
/// where anything may follow, see `src/widget/script.rs`.
fn make_loader(js: &Path, out: &Path) -> Result<()> {
    let text = squeezed(&format!("(site => {{\n{}}})(", join(js, "loader", "js")?));
    fs::write(out.join("loader.js"), &text)?;
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
    encoder.write_all(text.as_bytes())?;
    encoder.flush()?;
    Ok(fs::write(out.join("loader.js.br"), encoder.get_ref())?)
}

fn join(directory: &Path, sources: &str, extension: &str) -> Result<String> {
    let mut text = String::new();
    for name in sources.split(' ') {
        let path = directory.join(format!("{name}.{extension}"));
        let source = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        match extension {
            "css" => text.push_str(&dense(&without_comments(&source))),
            _ => source
                .trim()
                .lines()
                .filter(|line| is_code(line))
                .for_each(|line| text.extend([line.trim_start(), "\n"])),
        }
        // A script that forgot its last semicolon must not swallow the next one.
        text.push_str(if extension == "js" { ";\n" } else { "\n" });
    }
    Ok(text)
}

/// A comment on a line of its own is for those who read the sources; so is a map, which nobody serves.
fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

/// The same code without the blanks beside its signs and the ends of lines that end nothing; what stands in quotes stays. No regular
/// expression with a blank or a quote in it is known here.
fn squeezed(code: &str) -> String {
    const SIGNS: &str = "{}()[],;:=<>?&|+*!-";
    let mut kept = String::new();
    // The quotes and braces that are open, the innermost last: in a template code goes on behind `${`.
    let mut open = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(char) = rest.next() {
        let (before, next) = (kept.chars().last().unwrap_or(' '), rest.peek().copied());
        match (open.last().copied(), char) {
            (Some(quote @ ('\'' | '"' | '`')), _) => {
                match char {
                    '\\' => kept.extend([char, rest.next().unwrap_or(' ')]),
                    _ => kept.push(char),
                }
                if char == quote {
                    open.pop();
                } else if quote == '`' && char == '$' && next == Some('{') {
                    kept.extend(rest.next());
                    open.push('{');
                }
                continue;
            }
            (_, '\'' | '"' | '`' | '{') => open.push(char),
            (_, '}') => drop(open.pop()),
            (_, ' ') if SIGNS.contains(before) => continue,
            (_, ' ') if next.is_some_and(|next| SIGNS.contains(next)) => continue,
            (_, '\n') if "{([,;".contains(before) || next == Some('}') => continue,
            _ => {}
        }
        kept.push(char);
    }
    kept
}

fn without_comments(css: &str) -> String {
    let mut parts = css.split("/*");
    let first = parts.next().unwrap_or_default().to_owned();
    let after = parts.filter_map(|part| part.split_once("*/"));
    after.fold(first, |kept, (_, code)| kept + code.trim_start())
}

/// The same rules without the blanks that part nothing; what stands in quotes stays.
fn dense(css: &str) -> String {
    let mut kept = String::new();
    let mut quoted = false;
    for char in css.trim().chars() {
        quoted ^= char == '"';
        if quoted {
            kept.push(char);
        } else if char.is_whitespace() {
            if !kept.ends_with([' ', '{', '}', ';', ',', ':', '>']) {
                kept.push(' ');
            }
        } else {
            if "{};,>".contains(char) && kept.ends_with(' ') {
                kept.pop();
            }
            if char == '}' && kept.ends_with(';') {
                kept.pop();
            }
            kept.push(char);
        }
    }
    kept
}

fn content_type(extension: &str) -> Result<&'static str> {
    Ok(match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        other => anyhow::bail!("no content type is known for .{other}"),
    })
}

fn brotli(raw: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 11, 22);
    encoder.write_all(raw)?;
    Ok(encoder.into_inner())
}

fn gzip(raw: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(raw)?;
    Ok(encoder.finish()?)
}
