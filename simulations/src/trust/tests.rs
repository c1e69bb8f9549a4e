use super::edges::{EdgeList, ReadError};
use super::solve::{Answer, Question, SolveError, Stop, Values, solve};
use super::{golden, write};
use indicatif::ProgressBar;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn question<'a>(edges: &'a EdgeList, golden: &'a BTreeMap<u32, f64>) -> Question<'a> {
    Question { edges, golden, restart: 0.15, values: Values::F64, stop: Stop::Below(1e-12), threads: 1 }
}

fn list(n: u32, edges: &[(u32, u32, f64)]) -> EdgeList {
    EdgeList {
        ids: (0..n).map(|i| format!("{i:09}").into()).collect(),
        sources: edges.iter().map(|e| e.0).collect(),
        targets: edges.iter().map(|e| e.1).collect(),
        weights: edges.iter().map(|e| e.2).collect(),
    }
}

fn tried(question: &Question<'_>) -> Result<Answer, SolveError> {
    solve(question, &ProgressBar::hidden())
}

fn solved(question: &Question<'_>) -> Answer {
    tried(question).unwrap()
}

/// The equation with a full matrix.
fn dense(n: usize, edges: &[(u32, u32, f64)], golden: &BTreeMap<u32, f64>, restart: f64, steps: u32) -> Vec<f64> {
    let mut out = vec![0.0; n];
    edges.iter().for_each(|e| out[e.0 as usize] += e.2);
    let mut w = vec![vec![0.0; n]; n];
    edges.iter().filter(|e| e.2 > 0.0).for_each(|e| w[e.0 as usize][e.1 as usize] += e.2 / out[e.0 as usize]);
    let sum: f64 = golden.values().sum();
    let add = |t: &mut Vec<f64>, rest: f64| golden.iter().for_each(|(g, p)| t[*g as usize] += rest * p / sum);
    let mut t = vec![0.0; n];
    add(&mut t, 1.0);
    for _ in 0..steps {
        let mut next = vec![0.0; n];
        (0..n).for_each(|r| (0..n).for_each(|s| next[s] += (1.0 - restart) * t[r] * w[r][s]));
        let rest = 1.0 - next.iter().sum::<f64>();
        add(&mut next, rest);
        t = next;
    }
    t
}

type Graph = (u32, Vec<(u32, u32, f64)>, BTreeMap<u32, f64>);

fn graph() -> impl Strategy<Value = Graph> {
    (3u32..25).prop_flat_map(|n| {
        let edge = (0..n, 0..n, prop_oneof![Just(0.0), 0.001f64..10.0]);
        (Just(n), prop::collection::vec(edge, 1..120), prop::collection::btree_map(0..n, 0.1f64..5.0, 1..4))
    })
}

fn gap(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum()
}

proptest! {
    #[test]
    fn both_floats_equal_a_dense_reference((n, edges, golden) in graph(), restart in 0.05f64..1.0) {
        let list = list(n, &edges);
        let want = dense(n as usize, &edges, &golden, restart, 25);
        for (values, error) in [(Values::F64, 1e-13), (Values::F32, 1e-5)] {
            let got = solved(&Question { restart, values, stop: Stop::Steps(25), ..question(&list, &golden) });
            prop_assert!(gap(&got.trust, &want) < error, "{values:?} {}", gap(&got.trust, &want));
        }
    }

    #[test]
    fn a_sybil_set_holds_at_most_its_share_of_the_inflow((n, mut edges, golden) in graph(), attack in prop::collection::vec((0u32..25, 0u32..5, 0.1f64..9.0), 1..8), restart in 0.05f64..0.9) {
        // Five Sybils praise each other; members of the graph praise some of them.
        edges.extend((0..20).map(|i| (n + i % 5, n + (i + 1 + i / 5) % 5, 1.0)));
        edges.extend(attack.iter().map(|(r, s, w)| (r % n, n + s, *w)));
        let list = list(n + 5, &edges);
        let trust = solved(&Question { restart, ..question(&list, &golden) }).trust;
        let out = |r: u32| edges.iter().filter(|e| e.0 == r).map(|e| e.2).sum::<f64>();
        let flow: f64 = edges.iter().filter(|e| e.0 < n && e.1 >= n).map(|e| trust[e.0 as usize] * e.2 / out(e.0)).sum();
        let held: f64 = trust[n as usize..].iter().sum();
        // Settled, and nothing leaves the Sybils: exactly (1-a)/a of the flow.
        prop_assert!((held - (1.0 - restart) / restart * flow).abs() < 1e-9, "{held} {flow}");
    }
}

/// 200,000 edges, so that there are several blocks.
fn large() -> (EdgeList, BTreeMap<u32, f64>) {
    let mut state = 1u64;
    let mut next = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % u64::from(below)) as u32
    };
    let edges: Vec<_> = (0..200_000).map(|_| (next(20_000), next(20_000), f64::from(1 + next(1_000)) / 7.0)).collect();
    (list(20_000, &edges), (0..20).map(|i| (i * 977, 1.0)).collect())
}

#[test]
fn neither_threads_nor_order_change_a_bit() {
    let (mut edges, golden) = large();
    for values in [Values::F32, Values::F64] {
        let one = solved(&Question { values, stop: Stop::Below(1e-6), ..question(&edges, &golden) });
        edges.sources.reverse();
        edges.targets.reverse();
        edges.weights.reverse();
        for threads in [2, 3, 8] {
            let many = solved(&Question { values, threads, stop: Stop::Below(1e-6), ..question(&edges, &golden) });
            assert_eq!((&many.trust, many.steps, many.change), (&one.trust, one.steps, one.change));
        }
    }
}

#[test]
fn fixed_point_agrees_with_floats_and_takes_whole_weights() {
    let (mut edges, mut golden) = large();
    assert_eq!(tried(&Question { values: Values::Fixed, ..question(&edges, &golden) }), Err(SolveError::NotWhole(1)));
    edges.weights.iter_mut().for_each(|w| *w = (*w * 7.0).round());
    let stop = Stop::Steps(32);
    let whole = Question { values: Values::Fixed, stop, threads: 2, ..question(&edges, &golden) };
    let (fixed, float) =
        (solved(&whole), solved(&Question { values: Values::F64, ..Question { edges: &edges, golden: &golden, ..whole } }));
    // Rounding down loses less than a unit of 2^-60 a unit of weight and step: 20,000 nodes x 5,000 units / 0.15.
    assert!(gap(&fixed.trust, &float.trust) < 6e-10, "{}", gap(&fixed.trust, &float.trust));
    assert_eq!(tried(&Question { restart: 0.12345, ..whole }), Err(SolveError::NotPermille));
    golden.insert(3, 2.0);
    let uneven = Question { values: Values::Fixed, ..question(&edges, &golden) };
    assert_eq!(tried(&uneven), Err(SolveError::Uneven));
}

#[test]
fn a_walk_that_can_not_settle_says_so() {
    let edges = list(2, &[(0, 1, 1.0), (1, 0, 1.0)]);
    let golden = BTreeMap::from([(0, 1.0)]);
    let never = Question { stop: Stop::Below(1e-300), restart: 0.3, ..question(&edges, &golden) };
    // It may settle on one and the same float, which is a change of 0; else it must be an error, never an endless loop.
    assert!(matches!(tried(&never), Ok(Answer { change: 0.0, .. }) | Err(SolveError::Restless(_))));
    let edges = list(2, &[(0, 1, 1.0)]);
    assert_eq!(solved(&question(&edges, &golden)).reached, 2);
}

#[test]
fn any_finite_weights_will_do() {
    // Beyond f32, sums beyond f64, and below all normal numbers: what counts is the part each edge has of its source.
    let plain = list(4, &[(0, 1, 1.0), (0, 2, 3.0), (1, 0, 2.0), (1, 3, 2.0), (2, 3, 5.0), (3, 0, 1.0), (3, 1, 1.0)]);
    let mut odd = list(4, &[(0, 1, 3e307), (0, 2, 9e307), (1, 0, 1.7e308), (1, 3, 1.7e308), (2, 3, 5e-320), (3, 0, 1e-45), (3, 1, 1e-45)]);
    let golden = BTreeMap::from([(0, 1.0), (3, 1.0)]);
    let heavy = BTreeMap::from([(0, 1.7e308), (3, 1.7e308)]);
    for values in [Values::F32, Values::F64] {
        let want = solved(&Question { values, stop: Stop::Steps(25), ..question(&plain, &golden) }).trust;
        let got = solved(&Question { values, stop: Stop::Steps(25), ..question(&odd, &heavy) }).trust;
        assert!(gap(&got, &want) < 1e-6, "{values:?} {got:?} {want:?}");
    }
    // Parallel edges, too, may add up to more than f64 holds.
    (odd.sources, odd.targets, odd.weights) = (vec![0; 8], vec![1, 1, 1, 1, 2, 2, 2, 2], vec![1.7e308; 8]);
    let trust = solved(&Question { values: Values::F64, ..question(&odd, &BTreeMap::from([(0, 1.0)])) }).trust;
    assert!(trust[1] > 0.1 && (trust[1] - trust[2]).abs() < 1e-12, "{trust:?}");
    let no_number = Question { restart: f64::NAN, ..question(&plain, &golden) };
    assert_eq!(tried(&no_number), Err(SolveError::NotANumber(1)));
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn read(path: &Path) -> Result<EdgeList, ReadError> {
    EdgeList::read(path, &ProgressBar::hidden())
}

/// The vector of go-eigentrust's README: alpha (our restart) 0.5, pre-trust 50 and 100.
#[test]
fn go_eigentrust_vector() {
    let dir = tempfile::tempdir().unwrap();
    let edges = read(&file(dir.path(), "e.csv", "source,target,weight\nek,sd,100\nvm,sd,100\nek,vm,75\n")).unwrap();
    let golden = golden::read(&file(dir.path(), "g", "id,weight\nek,50\nvm,100\n"), &edges).unwrap();
    let trust = solved(&Question { restart: 0.5, ..question(&edges, &golden) }).trust;
    for (id, want) in [("ek", 0.217054), ("sd", 0.302326), ("vm", 0.480620)] {
        assert!((trust[edges.node(id).unwrap() as usize] - want).abs() < 5e-7, "{id}");
    }
}

#[test]
fn csv_is_read_by_column_names_and_any_id() {
    let dir = tempfile::tempdir().unwrap();
    let text = "\u{feff}weight, note ,target,source\n2.5,x,\"b,1\",é\n1e3,,\"b,1\",é\n0,,é,\"b,1\"\n";
    let edges = read(&file(dir.path(), "e.csv", text)).unwrap();
    assert_eq!(edges.ids, ["b,1", "é"].map(Box::from));
    assert_eq!((edges.sources, edges.targets, edges.weights), (vec![1, 1, 0], vec![0, 0, 1], vec![2.5, 1000.0, 0.0]));
}

#[test]
fn a_wrong_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = |body: &str| read(&file(dir.path(), "e.csv", &format!("source,target,weight\na,b,1\n{body}\n"))).unwrap_err().to_string();
    for body in ["a,c,-1", "a,c,NaN", "a,c,inf", "a,c,", "a,c,x", ",c,1", "a,,1"] {
        assert!(wrong(body).starts_with("line 3: "), "{body}: {}", wrong(body));
    }
    assert!(wrong("a,c").contains("line: 3"), "{}", wrong("a,c"));
    let whole = |text: &str| read(&file(dir.path(), "e.csv", text)).unwrap_err();
    assert!(matches!(whole(""), ReadError::NoColumn("source")));
    assert!(matches!(whole("source,target\na,b\n"), ReadError::NoColumn("weight")));
    assert!(matches!(whole("source,target,weight\n"), ReadError::Empty));
    assert!(matches!(read(&dir.path().join("none.csv")), Err(ReadError::Io(_))));
    assert!(matches!(read(&file(dir.path(), "e.parquet", "no")), Err(ReadError::Parquet(_))));
}

#[test]
fn golden_ids_need_an_edge_and_a_weight() {
    let dir = tempfile::tempdir().unwrap();
    let edges = list(3, &[(0, 1, 1.0), (1, 2, 1.0)]);
    let golden = |text: &str| golden::read(&file(dir.path(), "g", text), &edges);
    assert_eq!(golden("id\n000000001\n# none\n\n000000000,2\n000000001,3\n").unwrap(), BTreeMap::from([(0, 2.0), (1, 4.0)]));
    for (text, line) in
        [("000000001\nz\n", "line 2"), ("000000001,0\n", "line 1"), ("000000001,x\n", "line 1"), ("000000001,-1\n", "line 1")]
    {
        assert!(golden(text).unwrap_err().to_string().starts_with(line), "{text}");
    }
    assert_eq!(golden("id\n").unwrap_err().to_string(), "it names no id");
    let heavy = golden("000000001,1e308\n000000001,1e308\n").unwrap_err().to_string();
    assert!(heavy.starts_with("line 2: ") && heavy.contains("000000001"), "{heavy}");
}

#[test]
fn parquet_goes_in_and_out() {
    use parquet::data_type::{ByteArrayType, DoubleType, Int64Type};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::file::writer::SerializedFileWriter;
    use std::fs::File;
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    // Ids as text that may be missing and as numbers; two row groups.
    let make = |name: &str, weights: &[f64], present: &[i16]| {
        let text = "message edges { REQUIRED INT64 target; OPTIONAL BYTE_ARRAY source (UTF8); REQUIRED DOUBLE weight; }";
        let schema = parquet::schema::parser::parse_message_type(text).unwrap();
        let path = dir.path().join(name);
        let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), Arc::new(schema), Arc::default()).unwrap();
        for _ in 0..2 {
            let mut group = writer.next_row_group().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&[7, -8], None, None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            let ids = &["a".into(), "b".into()][..present.iter().filter(|p| **p == 1).count()];
            column.typed::<ByteArrayType>().write_batch(ids, Some(present), None).unwrap();
            column.close().unwrap();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<DoubleType>().write_batch(weights, None, None).unwrap();
            column.close().unwrap();
            group.close().unwrap();
        }
        writer.close().unwrap();
        path
    };
    let edges = read(&make("edges.parquet", &[1.0, 2.0], &[1, 1])).unwrap();
    assert_eq!(edges.ids, ["-8", "7", "a", "b"].map(Box::from));
    assert_eq!((&edges.sources, &edges.targets), (&vec![2, 3, 2, 3], &vec![1, 0, 1, 0]));
    let wrong = |weights, present| read(&make("wrong.parquet", weights, present)).unwrap_err().to_string();
    assert!(wrong(&[1.0, f64::NAN], &[1, 1]).starts_with("row 2: "));
    assert!(wrong(&[1.0, 2.0], &[1, 0]).starts_with("row 2: "));

    let out = dir.path().join("out.parquet");
    write::write(&mut File::create(&out).unwrap(), &out, &edges, &[0.125, 0.5, 0.25, 0.125]).unwrap();
    let reader = SerializedFileReader::new(File::open(&out).unwrap()).unwrap();
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|r| r.unwrap().to_string()).collect();
    let want = [("7", 0.5), ("a", 0.25), ("-8", 0.125), ("b", 0.125)].map(|(id, t)| format!("{{id: \"{id}\", trust: {t}}}"));
    assert_eq!(rows, want);
}

#[test]
fn parquet_columns_are_what_their_types_say() {
    use parquet::data_type::{Int32Type, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    use std::fs::File;
    use std::sync::Arc;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.parquet");
    let read_as = |source: &str, weight: &str| {
        let text =
            format!("message edges {{ REQUIRED INT64 source ({source}); REQUIRED INT32 target; REQUIRED INT32 weight ({weight}); }}");
        let schema = parquet::schema::parser::parse_message_type(&text).unwrap();
        let mut writer = SerializedFileWriter::new(File::create(&path).unwrap(), Arc::new(schema), Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[-1, 5], None, None).unwrap();
        column.close().unwrap();
        for values in [[1, 2], [250, -1]] {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
        read(&path)
    };
    let unsigned = read_as("INTEGER(64,false)", "INTEGER(32,false)").unwrap();
    assert_eq!((&unsigned.weights, unsigned.node("18446744073709551615").is_some()), (&vec![250.0, 4_294_967_295.0], true));
    let old = read_as("UINT_64", "UINT_32").unwrap();
    assert_eq!(unsigned, old);
    assert!(read_as("DECIMAL(18,0)", "INTEGER(32,false)").unwrap().node("-1").is_some());
    assert!(matches!(read_as("DECIMAL(18,2)", "INTEGER(32,false)"), Err(ReadError::Kind("source"))));
    // -0.01 is no weight; the row before it was read as 2.5.
    let refused = read_as("INTEGER(64,true)", "DECIMAL(9,2)").unwrap_err().to_string();
    assert!(refused.starts_with("row 2: the weight is -0.01"), "{refused}");
}
