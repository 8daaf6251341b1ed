//! A picture the way its camera was held, without a second one in memory.
use image::{GenericImageView, ImageBuffer, Pixel, metadata::Orientation};

/// What turns a picture by a quarter, and so cannot be done where it is.
pub fn is_quarter(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// As it is seen, turned by a quarter.
pub struct Turned<'a, P: Pixel> {
    pub picture: &'a ImageBuffer<P, Vec<P::Subpixel>>,
    pub by: Orientation,
}

impl<P: Pixel> GenericImageView for Turned<'_, P> {
    type Pixel = P;

    fn dimensions(&self) -> (u32, u32) {
        let (width, height) = self.picture.dimensions();
        (height, width)
    }

    fn get_pixel(&self, x: u32, y: u32) -> P {
        let (right, bottom) = (self.picture.width() - 1, self.picture.height() - 1);
        let (x, y) = match self.by {
            Orientation::Rotate90 => (y, bottom - x),
            Orientation::Rotate270 => (right - y, x),
            Orientation::Rotate270FlipH => (right - y, bottom - x),
            _ => (y, x),
        };
        *self.picture.get_pixel(x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, GrayImage, Luma};

    #[test]
    fn it_is_seen_as_if_it_were_turned() {
        let picture = GrayImage::from_fn(7, 4, |x, y| Luma([(10 * y + x) as u8]));
        let mut quarters = 0;
        for exif in 1..=8 {
            let by = Orientation::from_exif(exif).unwrap();
            if !is_quarter(by) {
                continue;
            }
            quarters += 1;
            let mut turned = DynamicImage::from(picture.clone());
            turned.apply_orientation(by);
            let seen = Turned { picture: &picture, by };
            assert_eq!(seen.dimensions(), turned.dimensions());
            let seen = GrayImage::from_fn(seen.width(), seen.height(), |x, y| seen.get_pixel(x, y));
            assert_eq!(seen, turned.into_luma8(), "{by:?}");
        }
        assert_eq!(quarters, 4);
    }
}
