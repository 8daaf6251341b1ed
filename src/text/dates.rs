//! Absolute dates in a site's time zone. "Today" depends on the reader, so a small script says it, not the server.
use super::Lang;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Where nobody has said otherwise.
pub const DEFAULT_ZONE: &str = "Asia/Shanghai";

/// The zone of an IANA name; UTC when nobody knows the name any more.
pub fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The name of a zone as the database of zones writes it; `None` if it knows none of that name.
pub fn known_zone(name: &str) -> Option<String> {
    TimeZone::get(name.trim()).ok()?.iana_name().map(str::to_owned)
}

/// The civil day of a moment in a zone.
pub fn day(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

/// `14:05`
pub fn clock_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M").to_string()
}

/// `14:05:09`
pub fn clock_seconds(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// `2026-11-22 14:05`: for lists that reach far back.
pub fn stamp(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `11月22日 星期日`, `Sunday, 22 November`
pub fn day_line(at: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let date = day(at, zone);
    lang.fill(
        "day-line",
        &[
            ("day", date.day().to_string()),
            ("month", lang.t(MONTHS[usize::from(date.month().unsigned_abs()) - 1])),
            ("weekday", lang.t(WEEKDAYS[usize::from(date.weekday().to_monday_zero_offset().unsigned_abs())])),
        ],
    )
}

const MONTHS: [&str; 12] = [
    "month-1", "month-2", "month-3", "month-4", "month-5", "month-6", "month-7", "month-8",
    "month-9", "month-10", "month-11", "month-12",
];
const WEEKDAYS: [&str; 7] =
    ["weekday-1", "weekday-2", "weekday-3", "weekday-4", "weekday-5", "weekday-6", "weekday-7"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_in_the_sites_zone_and_the_readers_language() {
        let at: Timestamp = "2026-11-21T16:30:00Z".parse().unwrap();
        let shanghai = zone("Asia/Shanghai");
        assert_eq!(day_line(at, &shanghai, Lang::ZhCn), "11月22日 星期日");
        assert_eq!(day_line(at, &shanghai, Lang::En), "Sunday, 22 November");
        assert_eq!(clock_time(at, &shanghai), "00:30");
        assert_eq!(clock_time(at, &zone("No/Where")), "16:30");
        assert_eq!(stamp(at, &shanghai), "2026-11-22 00:30");
    }
}
