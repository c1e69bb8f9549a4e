//! What a part says: words, characters, lengths.

use super::super::template::{Piece, Template};
use super::{Finding, Part, Rule, line_of};

/// Words of a turn, the footer's not counted: shorter ones say nothing, longer ones nobody writes twice a day.
const WORDS: std::ops::RangeInclusive<usize> = 24..=172;
/// Characters of a written line, alternatives and all.
const LINE: usize = 1_200;
/// Characters of a subject.
const SUBJECT: usize = 60;
/// Digits in a row, blanks and dashes between them allowed, that look like a telephone number.
const PHONE: usize = 6;
/// Letters of a word in capitals that look like shouting.
const CAPITALS: usize = 4;

/// Words that content filters weigh: money, urgency, health, games of chance, things to click. A text that needs none of
/// them is judged by its sender's behaviour alone. Words that are everyday ones as well (`compte rendu`, `cuenta conmigo`,
/// `die Zahlen`) are left to their author.
const DISLIKED: [&str; 4] = [
    "account bank bet bets bonus buy cash casino cheap click credit cure deal discount doctor dollar dollars euro free guarantee http \
     https immediately invoice link loan medicine money offer password pay payment pharmacy pill pills price prize sale unsubscribe \
     urgent verify win www",
    "abmelden angebot apotheke arzt bank bargeld bezahlen billig bitcoin bonus casino darlehen dringend euro garantie garantiert geld \
     gewinn gewinnen gewinnspiel gratis gutschein http https kasino kaufen klick klicken konto kosten kostenlos kredit link medikament \
     passwort pillen preis rabatt rechnung schulden sofort tablette tabletten umsonst verdienen verkauf www zahlung zinsen",
    "abonnement achat acheter argent banque bonus cadeau casino clic cliquer cliquez confidentiel crédit docteur \
     dollars euro euros facture gagner garantie gratuit gratuite gratuitement http https immédiat immédiatement lien loterie loto médecin \
     médicament paiement payer pharmacie pilule prix promo promotion rabais remboursement soldes urgence urgent vendre vente www",
    "banco barato bono casino clic comprar contraseña crédito descuento deuda dinero dólares enlace euro euros factura ganar ganga \
     garantía gratis gratuito http https inmediatamente lotería medicamento médico oferta pagar pago pastilla pastillas precio premio \
     préstamo promoción rebaja regalo suscripción urgente vender venta www",
];

pub(super) fn check(part: &Part<'_>, language: u8, findings: &mut Vec<Finding>) {
    let mut add = |line, rule, what: String| findings.push(Finding { line, rule, what });
    for (n, line) in part.text.lines().enumerate() {
        let at = part.line + n;
        if line.chars().count() > LINE {
            add(at, Rule::Length, format!("a line of more than {LINE} characters"));
        }
        if line.trim() != line || line.contains("  ") {
            add(at, Rule::Character, "blanks at an end of the line or two in a row".to_owned());
        }
        if let Some(c) = line.chars().find(|c| !allowed(*c)) {
            add(at, Rule::Character, format!("the character U+{:04X} has no place in a text", u32::from(c)));
        }
        let small = line.to_lowercase();
        if let Some(sign) = ["http", "www.", "://", "@", ".com", ".org", ".net", "<", ">", "&nbsp"].iter().find(|s| small.contains(**s)) {
            add(at, Rule::Link, format!("\"{sign}\" looks like a link, an address or HTML"));
        }
        if longest_number(line) > PHONE {
            add(at, Rule::Phone, "digits that look like a telephone number".to_owned());
        }
        if line.contains("!!") || line.contains("?!") || line.contains("??") {
            add(at, Rule::Shouting, "more than one mark in a row".to_owned());
        }
    }
    let disliked = DISLIKED.get(usize::from(language)).copied().unwrap_or_default();
    for (at, word) in words(part.text) {
        let line = line_of(part.line, part.text, at);
        if word.chars().count() >= CAPITALS && word.chars().all(char::is_uppercase) {
            add(line, Rule::Shouting, format!("\"{word}\" in capitals"));
        }
        let small = word.to_lowercase();
        if disliked.split_whitespace().any(|d| d == small) {
            add(line, Rule::Word, format!("\"{word}\" is a word that content filters weigh"));
        }
    }
    let (least, most) = word_counts(&part.template);
    if part.index == 0 {
        let most = longest(&part.template);
        if !(5..=SUBJECT).contains(&most) {
            add(part.line, Rule::Length, format!("a subject of up to {most} characters; at most {SUBJECT}, at least 5"));
        }
    } else if !WORDS.contains(&least) || !WORDS.contains(&most) {
        let what = format!("{least} to {most} words; a turn has {} to {}", WORDS.start(), WORDS.end());
        add(part.line, Rule::Length, what);
    }
}

/// Letters as single code points, digits, blanks, and the marks of the four languages.
fn allowed(c: char) -> bool {
    let letter = c.is_alphabetic() && !('\u{300}'..='\u{36f}').contains(&c);
    letter || c.is_ascii_digit() || " .,;:?!'\"()-{}[]|_¿¡«»\u{2019}".contains(c)
}

fn words(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split(|c: char| !c.is_alphabetic())
        .filter_map(|word| {
            let begins = text[at..].find(word).map_or(at, |n| at + n);
            at = begins + word.len();
            (!word.is_empty()).then_some((begins, word))
        })
        .collect()
}

fn longest_number(line: &str) -> usize {
    let (mut longest, mut digits) = (0, 0);
    for c in line.chars() {
        match c {
            '0'..='9' => digits += 1,
            ' ' | '-' | '/' | '+' | '(' | ')' => {}
            _ => digits = 0,
        }
        longest = longest.max(digits);
    }
    longest
}

fn word_counts(template: &Template) -> (usize, usize) {
    template.0.iter().fold((0, 0), |(least, most), piece| {
        let (low, high) = match piece {
            Piece::Text(text) => {
                let words = text.split_whitespace().filter(|w| w.contains(char::is_alphanumeric)).count();
                (words, words)
            }
            Piece::Slot(_) => (1, 1),
            Piece::Choice(options) => {
                let counts: Vec<_> = options.iter().map(word_counts).collect();
                (counts.iter().map(|c| c.0).min().unwrap_or(0), counts.iter().map(|c| c.1).max().unwrap_or(0))
            }
        };
        (least + low, most + high)
    })
}

/// Characters of the longest text, a slot taken for twelve.
fn longest(template: &Template) -> usize {
    let piece = |piece: &Piece| match piece {
        Piece::Text(text) => text.chars().count(),
        Piece::Slot(_) => 12,
        Piece::Choice(options) => options.iter().map(longest).max().unwrap_or(0),
    };
    template.0.iter().map(piece).sum()
}
