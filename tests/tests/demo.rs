//! `passline demo` from outside: what a newcomer sees first.

use tests::{passline, succeed};

#[test]
fn demo_asks_three_questions_and_the_same_seed_gives_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let demo = |name: &str, seed: &str| {
        let data = folder.path().join(name);
        succeed(
            passline()
                .args(["demo", "--seed", seed, "--data"])
                .arg(data),
        )
    };
    let answers = demo("one", "5");
    for title in ["-- Power:", "-- Thermal:", "-- Jobs:"] {
        assert!(answers.contains(title), "{title} in {answers}");
    }
    let row_counts: Vec<&str> = answers
        .lines()
        .filter(|line| line.starts_with('(') && line.ends_with(')'))
        .collect();
    assert_eq!(row_counts.len(), 3, "{answers}");
    assert!(!row_counts.contains(&"(0 rows)"), "{answers}");
    assert_eq!(answers, demo("other", "5"));
    assert_ne!(answers, demo("another", "6"));
}
