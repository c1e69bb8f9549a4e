//! What the authority needs of its home: the network's genesis, the secrets, the issuing key.

use crate::authority::keys::{AuthorityKeys, names};
use crate::config::CoordinatorConfig;
use secrecy::ExposeSecret;
use warmnet_node::cli::{CliError, ExitCode};
use warmnet_node::config::Home;
use warmnet_node::secrets::Secrets;
use warmnet_protocol::wire::genesis::Genesis;
use zeroize::Zeroizing;

/// All of it, read.
pub(super) struct Opened {
    pub(super) genesis: Genesis,
    pub(super) secrets: Secrets,
    pub(super) keys: AuthorityKeys,
}

impl Opened {
    pub(super) fn at(home: &Home, settings: &CoordinatorConfig) -> Result<Self, CliError> {
        let genesis = genesis(home, settings)?;
        let secrets = Secrets::open(home, &settings.secrets)?;
        let keys = AuthorityKeys::read(&genesis, |name| secrets.get(name).map(|v| Zeroizing::new(v.expose_secret().to_owned())));
        let keys = keys.map_err(|why| {
            let todo = format!("restore secrets.age of this network; it holds \"{}\" and \"{}\"", names::ISSUING, names::CERTIFICATE);
            CliError::new(ExitCode::Usage, "the authority's keys can't be used").why(why).todo(todo)
        })?;
        Ok(Self { genesis, secrets, keys })
    }
}

pub(super) fn genesis(home: &Home, settings: &CoordinatorConfig) -> Result<Genesis, CliError> {
    let path = home.genesis(&settings.node());
    let bad = |why: String| {
        CliError::new(ExitCode::Usage, format!("{} can't be used", path.display()))
            .why(why)
            .todo("restore it, or run `warmnet-coordinator init` for a new home")
    };
    let bytes = std::fs::read(&path).map_err(|e| bad(e.to_string()))?;
    Genesis::decode(&bytes).map_err(|e| bad(e.to_string()))
}
