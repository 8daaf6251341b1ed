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

/// `14:05` today, `昨天`, `11月22日` of this year, `2025年11月22日`: as `assets/js/waits.js` says it.
pub fn lately(at: Timestamp, now: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let (date, today) = (day(at, zone), day(now, zone));
    if date >= today {
        return clock_time(at, zone);
    }
    if date.tomorrow().is_ok_and(|next| next == today) {
        return lang.t("yesterday");
    }
    say(if date.year() == today.year() { "day-of-year" } else { "day-with-year" }, date, lang)
}

/// `14:05` today, else `11月22日 14:05`: what is to come within a year.
pub fn soon(at: Timestamp, now: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let (date, time) = (day(at, zone), clock_time(at, zone));
    if date == day(now, zone) {
        return time;
    }
    format!("{} {time}", say("day-of-year", date, lang))
}

/// `11月22日 星期日`, `Sunday, 22 November`
pub fn day_line(at: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    say("day-line", day(at, zone), lang)
}

/// The same of this year, `2025年11月22日` of another one: for what is kept for years.
pub fn day_of_any_year(at: Timestamp, now: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let date = day(at, zone);
    let same_year = date.year() == day(now, zone).year();
    say(if same_year { "day-line" } else { "day-with-year" }, date, lang)
}

/// A date by one of the sentences that have its parts.
fn say(key: &'static str, date: Date, lang: Lang) -> String {
    let month = usize::from(date.month().unsigned_abs()) - 1;
    let weekday = usize::from(date.weekday().to_monday_zero_offset().unsigned_abs());
    let values = [
        ("day", date.day().to_string()),
        ("month", lang.t(MONTHS[month])),
        ("year", date.year().to_string()),
        ("weekday", lang.t(WEEKDAYS[weekday])),
    ];
    lang.fill(key, &values)
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

    #[test]
    fn a_day_of_another_year_says_which() {
        let shanghai = zone("Asia/Shanghai");
        let now: Timestamp = "2026-11-21T16:30:00Z".parse().unwrap();
        for (at, zh, en) in [
            ("2026-11-21T16:30:00Z", "11月22日 星期日", "Sunday, 22 November"),
            ("2025-12-31T16:30:00Z", "1月1日 星期四", "Thursday, 1 January"),
            ("2025-12-31T15:30:00Z", "2025年12月31日", "31 December 2025"),
            ("2027-01-01T04:00:00Z", "2027年1月1日", "1 January 2027"),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(day_of_any_year(at, now, &shanghai, Lang::ZhCn), zh);
            assert_eq!(day_of_any_year(at, now, &shanghai, Lang::En), en);
        }
    }

    #[test]
    fn what_comes_today_is_told_by_its_time_alone() {
        let shanghai = zone("Asia/Shanghai");
        let now: Timestamp = "2026-11-21T16:30:00Z".parse().unwrap();
        for (at, zh, en) in [
            ("2026-11-22T15:59:00Z", "23:59", "23:59"),
            ("2026-11-22T16:00:00Z", "11月23日 00:00", "23 November 00:00"),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(soon(at, now, &shanghai, Lang::ZhCn), zh);
            assert_eq!(soon(at, now, &shanghai, Lang::En), en);
        }
    }

    #[test]
    fn what_was_not_today_is_told_by_its_day_in_the_sites_zone() {
        let shanghai = zone("Asia/Shanghai");
        let now: Timestamp = "2026-11-21T16:30:00Z".parse().unwrap();
        for (at, zh, en) in [
            ("2026-11-21T16:29:00Z", "00:29", "00:29"),
            ("2026-11-22T16:30:00Z", "00:30", "00:30"),
            ("2026-11-21T15:59:00Z", "昨天", "Yesterday"),
            ("2026-11-20T15:59:00Z", "11月20日", "20 November"),
            ("2026-01-01T04:00:00Z", "1月1日", "1 January"),
            ("2025-12-31T04:00:00Z", "2025年12月31日", "31 December 2025"),
        ] {
            let at = at.parse().unwrap();
            assert_eq!(lately(at, now, &shanghai, Lang::ZhCn), zh);
            assert_eq!(lately(at, now, &shanghai, Lang::En), en);
        }
    }
}
