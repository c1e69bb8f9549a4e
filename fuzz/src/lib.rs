//! The targets of `protocol/tests/fuzz` under libFuzzer, which looks for inputs by the code they reach. `make fuzz` runs them
//! where a nightly compiler is installed; the stable loop of `make test` feeds the same targets without it.
#![allow(dead_code)] // the stable loop needs the rest of the shared files

#[path = "../../protocol/tests/recorded/cast.rs"]
mod cast;
#[path = "../../protocol/tests/fuzz/letters.rs"]
mod letters;
#[path = "../../protocol/tests/fuzz/mutate.rs"]
mod mutate;
#[path = "../../protocol/tests/fuzz/node.rs"]
mod node;
#[path = "../../protocol/tests/fuzz/scenes.rs"]
mod scenes;
#[path = "../../protocol/tests/fuzz/targets/mod.rs"]
mod targets;
#[path = "../../protocol/tests/fuzz/world.rs"]
mod world;

use std::path::Path;
use std::sync::OnceLock;
use targets::Target;

/// Names the target of the program `decoder`.
pub const TARGET: &str = "WARMNET_FUZZ_TARGET";

fn all() -> Vec<Target> {
    [targets::wire::targets(), targets::text::targets(), targets::stored::targets()].into_iter().flatten().collect()
}

/// Feeds one input to the target that the environment names.
///
/// # Panics
/// When something is wrong with the target's code, and when it has no such name.
pub fn decode(input: &[u8]) {
    static CHOSEN: OnceLock<Target> = OnceLock::new();
    let target = CHOSEN.get_or_init(|| {
        let name = std::env::var(TARGET).unwrap_or_default();
        all().into_iter().find(|t| file_name(t.name) == name).unwrap_or_else(|| panic!("{TARGET} is \"{name}\": no such target"))
    });
    let _refused = (target.run)(input);
}

/// Lives a list of engine inputs.
///
/// # Panics
/// When something is wrong with the engine.
pub fn live(input: &[u8]) {
    let _answers = targets::engine::live(input);
}

/// Writes the seeds of every target into a folder of its name, and gives the names.
///
/// # Errors
/// The file system's.
pub fn write_seeds(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for target in all() {
        let name = file_name(target.name);
        let place = folder.join(&name);
        std::fs::create_dir_all(&place)?;
        for (n, seed) in target.seeds.iter().enumerate() {
            std::fs::write(place.join(format!("seed-{n}")), seed)?;
        }
        names.push(name);
    }
    Ok(names)
}

fn file_name(target: &str) -> String {
    target.replace(' ', "-")
}
