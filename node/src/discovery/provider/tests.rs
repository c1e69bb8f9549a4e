//! The shipped table is whole, and its rows are found.

use super::*;

#[test]
fn the_shipped_table_is_whole() {
    let table = Table::read(SHIPPED).expect("readable");
    let fields =
        ["domains", "mx", "servers", "sign_in", "app_password_page", "authserv_id", "spf_include", "dkim_selectors", "limits", "before"];
    let mut ids = std::collections::BTreeSet::new();
    let mut names = std::collections::BTreeSet::new();
    for p in &table.providers {
        assert!(ids.insert(&p.id), "{} twice", p.id);
        assert!(p.checked.parse::<jiff::civil::Date>().is_ok(), "{}: checked", p.id);
        assert!(!p.sources.is_empty() && !p.sites.is_empty() && !p.sign_in.is_empty() && p.rule.ends_with('.'), "{}", p.id);
        assert!(p.unverified.iter().all(|f| fields.contains(&f.as_str())), "{}: {:?}", p.id, p.unverified);
        assert_eq!(p.app_password_page.is_some(), p.sign_in.contains(&SignIn::AppPassword), "{}", p.id);
        assert!(p.app_password_page.as_ref().is_none_or(|u| u.starts_with("https://")), "{}", p.id);
        let page = format!("{}/../docs/guide/providers/{}.md", env!("CARGO_MANIFEST_DIR"), p.id);
        let text = std::fs::read_to_string(&page).unwrap_or_else(|e| panic!("{page}: {e}"));
        assert!(text.contains(&p.checked), "{page} names the check date");
        for site in &p.sites {
            for name in site.domains.iter().chain(&site.mx) {
                assert!(*name == name.to_ascii_lowercase() && psl::domain_str(name).is_some(), "{name}");
            }
            assert!(site.domains.iter().all(|d| names.insert(d)), "{}: a domain twice", p.id);
            assert!(!site.domains.is_empty() || !site.mx.is_empty(), "{}: a site nothing leads to", p.id);
            for host in [&site.imap.host, &site.smtp.host] {
                assert!(text.contains(host.as_str()), "{page} names {host}");
            }
        }
    }
    for id in ["gmail", "workspace", "outlook", "microsoft365", "yahoo", "icloud", "fastmail", "zoho", "gmx"] {
        assert!(ids.contains(&id.to_owned()), "{id}");
    }
}

#[test]
fn rows_are_found_by_domain_mx_and_server() {
    let table = Table::shipped();
    let id = |found: Option<(&Provider, &Site)>| found.map(|(p, _)| p.id.clone());
    assert_eq!(id(table.by_domain("gmail.com")).as_deref(), Some("gmail"));
    assert_eq!(id(table.by_domain("example.org")), None);
    let mx = |host: &str| id(table.by_mx(&[host.to_owned(), "backup.example.org".to_owned()]));
    assert_eq!(mx("aspmx.l.google.com").as_deref(), Some("workspace"));
    assert_eq!(mx("example-org.mail.protection.outlook.com").as_deref(), Some("microsoft365"));
    assert_eq!(mx("in1-smtp.messagingengine.com").as_deref(), Some("fastmail"));
    for stranger in ["evilgoogle.com", "google.com.example.org", "mx.example.org"] {
        assert_eq!(mx(stranger), None, "{stranger}");
    }
    assert_eq!(table.by_mx(&[]).map(|(p, _)| &p.id), None);
    let server = |host, domain| table.by_server(host, domain).map(|p| p.id.as_str());
    assert_eq!(server("smtp.gmail.com", "gmail.com"), Some("gmail"));
    assert_eq!(server("smtp.gmail.com", "example.org"), Some("workspace"));
    assert_eq!(server("outlook.office365.com", "example.org"), Some("microsoft365"));
    assert_eq!(server("mail.example.org", "example.org"), None);
}

#[test]
fn a_name_below_another_is_told_by_its_labels() {
    assert!(below("a.example.org", "example.org") && below("example.org", "example.org"));
    assert!(!below("badexample.org", "example.org") && !below("example.org", "a.example.org"));
}

#[test]
fn user_names() {
    assert_eq!(UserName::Address.of("me@a.test"), "me@a.test");
    assert_eq!(UserName::LocalPart.of("me@a.test"), "me");
}
