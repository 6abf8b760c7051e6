//! Laws that hold for whatever is thrown at the evaluator.

use proptest::prelude::*;

use super::super::{Limits, evaluate};
use super::eval;

/// The name of a function and the same function in double precision.
type Pair = (&'static str, fn(f64) -> f64);

/// Pieces of expressions, so that random strings get past the lexer.
fn fragment() -> impl Strategy<Value = String> {
    let signs = "[-+*/%^!(),.e ]{1,3}";
    let number = "[0-9]{1,4}(\\.[0-9]{1,3})?(e[0-9]{1,2})?";
    let names: Vec<&'static str> =
        super::super::function_names().chain(["pi", "e", "phi"]).collect();
    prop_oneof![signs, number, prop::sample::select(names).prop_map(|name| format!("{name}("))]
}

/// Well-formed expressions of any function of one argument.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (-1000i32..1000).prop_map(|n| format!("({n})")),
        (-1000i32..1000, 1u32..50).prop_map(|(n, d)| format!("({n}/{d})")),
        prop::sample::select(vec!["pi", "e", "phi", "tau"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 24, 2, |inner| {
        let operators = vec!["+", "-", "*", "/", "%", "^"];
        let names: Vec<&'static str> = super::super::function_names().collect();
        prop_oneof![
            (inner.clone(), prop::sample::select(operators), inner.clone())
                .prop_map(|(a, operator, b)| format!("({a} {operator} {b})")),
            (prop::sample::select(names.clone()), inner.clone())
                .prop_map(|(name, a)| format!("{name}({a})")),
            (prop::sample::select(names), inner.clone(), inner)
                .prop_map(|(name, a, b)| format!("{name}({a}, {b})")),
        ]
    })
}

proptest! {
    #[test]
    fn integers_agree_with_machine_arithmetic(a in any::<i32>(), b in any::<i32>(), c in any::<i32>()) {
        let (wide_a, wide_b, wide_c) = (i128::from(a), i128::from(b), i128::from(c));
        let expected = wide_a * wide_b - wide_c * wide_a + wide_b;
        let answer = eval(&format!("{a} * {b} - {c} * {a} + {b}")).unwrap();
        prop_assert_eq!(answer.value, expected.to_string());
        prop_assert!(answer.exact);
        if b != 0 {
            let floored = wide_a - wide_b * (f64::from(a) / f64::from(b)).floor() as i128;
            prop_assert_eq!(eval(&format!("{a} % ({b})")).unwrap().value, floored.to_string());
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = eval(&text);
    }

    #[test]
    fn arbitrary_fragments_never_panic_and_stay_in_budget(
        parts in prop::collection::vec(fragment(), 0..12),
    ) {
        if let Ok(answer) = eval(&parts.concat()) {
            prop_assert!(answer.work <= Limits::default().max_work);
        }
    }

    #[test]
    fn well_formed_expressions_never_panic(text in expression()) {
        let limits = Limits { max_work: 2_000_000, ..Limits::default() };
        if let Err(error) = evaluate(&text, &limits) {
            let message = error.to_string();
            prop_assert!(message.contains("column") || message.contains("digits"), "{}", message);
        }
    }

    #[test]
    fn what_is_shown_evaluates_to_itself(n in any::<i64>(), d in 1..=i64::MAX, places in 0..60) {
        let shown = eval(&format!("{n} / {d} / 2^{places}")).unwrap().value;
        prop_assert_eq!(&eval(&shown).unwrap().value, &shown);
        let difference = eval(&format!("{n} / {d} / 2^{places} - ({shown})")).unwrap().value;
        prop_assert_eq!(difference, "0");
    }

    #[test]
    fn approximations_agree_with_double_precision(steps in 1u32..50_000) {
        // Exactly representable, so that both sides see the same argument.
        let x = f64::from(steps) / 1024.0;
        let table: [Pair; 12] = [
            ("sin", f64::sin), ("cos", f64::cos), ("atan", f64::atan), ("exp", f64::exp),
            ("ln", f64::ln), ("sinh", f64::sinh), ("cosh", f64::cosh), ("tanh", f64::tanh),
            ("asinh", f64::asinh), ("sqrt", f64::sqrt), ("cbrt", f64::cbrt), ("log2", f64::log2),
        ];
        for (name, function) in table {
            let answer = eval(&format!("approx({name}({x:?}))")).unwrap();
            let (found, expected) = (answer.value.parse::<f64>().unwrap(), function(x));
            prop_assert!(
                (found - expected).abs() <= 2e-14 * expected.abs(),
                "{}({:?}) = {} and not {}", name, x, found, expected
            );
        }
    }
}
