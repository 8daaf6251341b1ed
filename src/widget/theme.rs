//! The colours of a site's chat, for those that chose some: in the place of `dark.css`, so that it is not a request more.
use crate::{
    site::{Color, Look, Theme},
    web::assets,
};

/// The surfaces of `assets/css/tokens.css` and `dark.css`.
const LIGHT: &str = "#FBFCFA";
const DARK: &str = "#121A18";

pub fn css(look: &Look) -> String {
    sheet(look, assets::text(assets::DARK_CSS))
}

/// Only what follows from the colour, on a page that brings `dark.css` itself. It has neither quotes nor tags.
pub fn brand(look: &Look) -> String {
    sheet(look, "")
}

fn sheet(look: &Look, night: &str) -> String {
    let light = tokens(look.color, LIGHT);
    let dark = format!("{night}{}", tokens(look.color, DARK));
    match look.theme {
        Theme::Light => light,
        Theme::Dark => dark,
        Theme::Auto => format!("{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"),
    }
}

/// What follows from one colour on a surface.
fn tokens(color: Color, surface: &str) -> String {
    let surface = Color::parse(surface).expect("our own colours are colours");
    let night = surface.ink() == Color::WHITE;
    // By night what is ours is lighter than the ground; by day it is the colour itself, if that can be seen on the ground.
    let brand = if night { color.readable_on(surface) } else { color }.ground();
    let hover = brand.over(if night { Color::WHITE } else { Color::BLACK }, 0.86);
    let soft = brand.over(surface, if night { 0.22 } else { 0.14 });
    let ink = brand.readable_on(soft).readable_on(surface);
    let bubble = if night { color.over(surface, 0.6).ground() } else { brand };
    format!(
        ":root{{--brand:{brand};--brand-hover:{hover};--on-brand:{};--brand-soft:{soft};--selected:{soft};--brand-ink:{ink};\
         --focus:{ink};--bubble-out:{bubble};--bubble-out-ink:{}}}",
        brand.ink(),
        bubble.ink(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(css: &str, name: &str) -> Color {
        let start = css.find(&format!("--{name}:")).unwrap() + name.len() + 3;
        Color::parse(&css[start..start + 7]).unwrap()
    }

    #[test]
    fn every_pair_of_text_and_ground_can_be_read() {
        for picked in ["#FFEB3B", "#07C160", "#1F93FF", "#FFFFFF", "#000000", "#B3361F"] {
            for surface in [LIGHT, DARK] {
                let css = tokens(Color::parse(picked).unwrap(), surface);
                let pairs = [
                    ("on-brand", "brand"),
                    ("brand-ink", "brand-soft"),
                    ("bubble-out-ink", "bubble-out"),
                ];
                for (text, ground) in pairs {
                    let contrast = value(&css, text).contrast(value(&css, ground));
                    assert!(
                        contrast >= 4.5,
                        "{picked} on {surface}: {text} on {ground} {contrast}"
                    );
                }
            }
        }
    }
}
