//! The wall clock and local time: the only place that reads them.

use warmnet_protocol::time::Timestamp;

/// Now.
#[must_use]
pub fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// Local time minus UTC at an instant in an IANA zone, in minutes; 0 for a zone the host doesn't know (the config
/// check refuses those before).
#[must_use]
pub fn utc_offset_minutes(zone: &str, at: Timestamp) -> i32 {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::tz::TimeZone::get(zone).map_or(0, |tz| tz.to_offset(instant).seconds() / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summer_time_is_known() {
        let at = |text: &str| Timestamp(text.parse::<jiff::Timestamp>().expect("a date").as_millisecond());
        assert_eq!(utc_offset_minutes("Europe/Berlin", at("2026-01-10T12:00:00Z")), 60);
        assert_eq!(utc_offset_minutes("Europe/Berlin", at("2026-07-10T12:00:00Z")), 120);
        assert_eq!(utc_offset_minutes("America/New_York", at("2026-07-10T12:00:00Z")), -240);
    }
}
