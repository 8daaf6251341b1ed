//! An address as a picture for cameras.
use crate::error::{Error, Result};

/// A QR code: each dark module as a 1×1 square of an SVG path, and its width in modules.
#[derive(Clone, Debug)]
pub struct Qr {
    pub path: String,
    pub width: usize,
}

impl Qr {
    pub fn of(link: &str) -> Result<Self> {
        let code = qrcode::QrCode::new(link.as_bytes()).map_err(Error::internal)?;
        let width = code.width();
        let colors = code.to_colors().into_iter().enumerate();
        let dark = colors.filter(|(_, color)| *color == qrcode::Color::Dark);
        let path = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width, at / width)).collect();
        Ok(Self { path, width })
    }

    /// A file of its own, to be printed: black on white, with the four modules of quiet that cameras want.
    pub fn svg(&self) -> String {
        let (path, side) = (&self.path, self.width + 8);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-4 -4 {side} {side}\" width=\"512\" height=\"512\">\
             <path fill=\"#fff\" d=\"M-4-4h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>"
        )
    }
}
