//! Two plots of a run, as SVG: inbox share and scores over the epochs.

use super::checks::LOCK_SCORE;
use super::summary::Summary;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use std::path::{Path, PathBuf};

/// Size in pixels: fits a README column without scaling.
const SIZE: (u32, u32) = (900, 480);
/// The bad apple.
const RED: RGBColor = RGBColor(192, 57, 43);
/// The honest members.
const BLUE: RGBColor = RGBColor(31, 97, 161);
/// One honest member among many.
const PALE_BLUE: RGBColor = RGBColor(140, 178, 216);
/// Marks.
const GREY: RGBColor = RGBColor(110, 110, 110);

/// Why a plot was not drawn.
#[derive(Debug, thiserror::Error)]
#[error("the plot {file} can't be drawn: {why}")]
pub struct PlotError {
    file: String,
    why: String,
}

type Backend<'a> = SVGBackend<'a>;
type Chart<'a, 'b> = ChartContext<'a, Backend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Writes `inbox.svg` and `scores.svg` into `dir` and returns their paths.
///
/// # Errors
/// [`PlotError`] when a file can't be written.
pub fn write(s: &Summary, dir: &Path) -> Result<Vec<PathBuf>, PlotError> {
    let failed = |path: &Path, why: &dyn std::fmt::Display| PlotError { file: path.display().to_string(), why: why.to_string() };
    let paths = [dir.join("inbox.svg"), dir.join("scores.svg")];
    inbox(s, &paths[0]).map_err(|e| failed(&paths[0], &e))?;
    scores(s, &paths[1]).map_err(|e| failed(&paths[1], &e))?;
    Ok(paths.to_vec())
}

fn style(colour: RGBColor, width: u32) -> ShapeStyle {
    colour.stroke_width(width)
}

fn legend(colour: RGBColor, width: u32) -> impl Fn((i32, i32)) -> PathElement<(i32, i32)> {
    move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], style(colour, width))
}

fn frame(s: &Summary, path: &Path, title: &str, unit: &str, body: impl FnOnce(&mut Chart<'_, '_>) -> Drawn) -> Drawn {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let last = f64::from(s.run.epochs.max(2) - 1);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, ("sans-serif", 22))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..last, 0.0..100.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .x_desc("epoch (one protocol day)")
        .y_desc(unit)
        .x_labels(usize::try_from(s.run.epochs.clamp(2, 21)).unwrap_or(21))
        .y_labels(11)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .axis_desc_style(("sans-serif", 16))
        .label_style(("sans-serif", 14))
        .draw()?;
    body(&mut chart)?;
    quarantine_mark(s, &mut chart)?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()
}

fn quarantine_mark(s: &Summary, chart: &mut Chart<'_, '_>) -> Drawn {
    let Some(epoch) = s.quarantined.as_ref().and_then(|q| q.excluded_epoch).filter(|e| *e < s.run.epochs) else { return Ok(()) };
    let x = f64::from(epoch);
    chart
        .draw_series(DashedLineSeries::new([(x, 0.0), (x, 100.0)], 5, 4, style(GREY, 1)))?
        .label(format!("quarantined, epoch {epoch}"))
        .legend(legend(GREY, 1));
    Ok(())
}

fn line(chart: &mut Chart<'_, '_>, points: Vec<(f64, f64)>, colour: RGBColor, width: u32, label: Option<&str>) -> Drawn {
    let dots: Vec<_> = if width > 1 { points.clone() } else { Vec::new() };
    let drawn = chart.draw_series(LineSeries::new(points, style(colour, width)))?;
    if let Some(label) = label {
        drawn.label(label).legend(legend(colour, width));
    }
    chart.draw_series(dots.into_iter().map(|p| Circle::new(p, 3, colour.filled())))?;
    Ok(())
}

fn inbox(s: &Summary, path: &Path) -> Drawn {
    let engagement = if s.run.engagement { "on" } else { "off" };
    let title = format!("Mail that reached the inbox by itself (engagement {engagement})");
    frame(s, path, &title, "inbox share, % of mails delivered", |chart| {
        let points = |of: fn(&super::summary::EpochRow) -> Option<f64>| -> Vec<(f64, f64)> {
            let first_pair = s.epochs.iter().position(|r| r.planned > 0).unwrap_or(0);
            s.epochs.iter().skip(first_pair).filter_map(|r| Some((f64::from(r.epoch), of(r)? * 100.0))).collect()
        };
        line(chart, points(|r| r.honest_inbox_share), BLUE, 3, Some("honest members"))?;
        match &s.quarantined {
            Some(bad) => line(chart, points(|r| r.bad_inbox_share), RED, 2, Some(&format!("bad apple ({}), own mail included", bad.name))),
            None => Ok(()),
        }
    })
}

fn scores(s: &Summary, path: &Path) -> Drawn {
    let bad = s.quarantined.as_ref().map(|q| q.name.as_str());
    let points = |name: &str| -> Vec<(f64, f64)> {
        let inside = s.score_history.iter().filter(|(record, _)| **record < s.run.epochs);
        inside.filter_map(|(record, table)| Some((f64::from(*record), *table.get(name)?))).collect()
    };
    frame(s, path, "Score of every member", "score, points of 100", |chart| {
        let last = f64::from(s.run.epochs.max(2) - 1);
        chart
            .draw_series(DashedLineSeries::new([(0.0, LOCK_SCORE), (last, LOCK_SCORE)], 8, 5, style(BLACK, 1)))?
            .label(format!("below {LOCK_SCORE:.0}: external sending is locked"))
            .legend(legend(BLACK, 1));
        let mut label = Some("honest members");
        for name in s.scores.keys().filter(|n| Some(n.as_str()) != bad) {
            line(chart, points(name), PALE_BLUE, 1, label.take())?;
        }
        match bad {
            Some(name) => line(chart, points(name), RED, 3, Some(&format!("bad apple ({name})"))),
            None => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::summary::{EpochRow, Quarantined, Run};
    use std::collections::BTreeMap;

    /// A run that looks like a real one.
    pub(super) fn sample() -> Summary {
        let epochs = (0..20_u32).map(|e| {
            let x = f64::from(e) / 19.0;
            EpochRow {
                epoch: e,
                planned: u32::from(e > 2) * 90,
                honest_inbox_share: Some(0.3 + 0.6 * x),
                bad_inbox_share: Some(0.4 - 0.35 * x),
                ..EpochRow::default()
            }
        });
        let table = |e: u32| -> BTreeMap<String, f64> {
            (1..=12)
                .map(|i| {
                    (format!("m{i:02}"), if i == 2 { 60.0 - f64::from(e) * 3.0 } else { 40.0 + f64::from(e) * 2.5 - f64::from(i) * 0.6 })
                })
                .collect()
        };
        Summary {
            run: Run { epochs: 20, engagement: true, ..Run::default() },
            epochs: epochs.collect(),
            scores: table(20),
            score_history: (6..=20).map(|e| (e, table(e))).collect(),
            quarantined: Some(Quarantined {
                name: "m02".into(),
                listed_epoch: Some(12),
                excluded_epoch: Some(13),
                ..Quarantined::default()
            }),
            ..Summary::default()
        }
    }

    #[test]
    fn plots_have_words_and_lines() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let paths = write(&sample(), dir.path()).expect("drawn");
        assert_eq!(paths.len(), 2);
        for (path, wanted) in paths.iter().zip([["honest members", "inbox share"], ["bad apple (m02)", "points of 100"]]) {
            let svg = std::fs::read_to_string(path).expect("written");
            assert!(svg.contains("<text") && svg.contains("<polyline"));
            assert!(wanted.iter().all(|w| svg.contains(w)) && svg.contains("quarantined, epoch 13"), "{wanted:?}");
        }
    }

    #[test]
    fn an_empty_run_is_drawn_too() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        assert!(write(&Summary::default(), dir.path()).is_ok());
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        assert!(write(&sample(), Path::new("/nonexistent/folder")).is_err());
    }
}
