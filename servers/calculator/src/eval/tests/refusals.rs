//! What is refused, with which words, and how little work that takes.

use super::super::{EvalError, Limits, evaluate};
use super::eval;

/// Checks that the refusal contains `words`, and repeats little of what was sent.
#[track_caller]
fn refuse(expression: &str, words: &str) {
    let error = match eval(expression) {
        Ok(answer) => panic!("{:.60} gave {:.60}", expression, answer.value),
        Err(error) => error,
    };
    let message = error.to_string();
    assert!(message.contains(words), "{expression:.60}: {message}");
    assert!(message.len() < 600, "{message}");
    assert!(message.chars().all(|c| c.is_ascii() && !c.is_control()), "{message:?}");
}

#[test]
fn malformed_input_is_refused_with_its_place() {
    refuse("", "empty");
    refuse(" \t\n", "empty");
    refuse(")", "before ')'");
    refuse("(1", "never closed");
    refuse("1)", "closes nothing");
    refuse("()", "before ')'");
    refuse("1 +", "ends too early");
    refuse("50%", "50/100");
    refuse("* 2", "column 1");
    refuse("7 // 2", "floor(a / b)");
    refuse("1..2", "one decimal point");
    refuse("1.2.3", "one decimal point");
    refuse("1.", "after the decimal point");
    refuse("1e", "exponent has no digits");
    refuse("1e+", "exponent has no digits");
    refuse("1e1.5", "whole number");
    refuse("0x", "after 0x");
    refuse("0xfg", "after 0x");
    refuse("0b2", "after 0x");
    refuse("1__0", "underscores");
    refuse("1_", "underscores");
    refuse("1,000", "commas only separate");
    refuse("sum(1,)", "before ')'");
    refuse("sum(,1)", "before ','");
    refuse("2pi", "write '*'");
    refuse("2(3)", "write '*'");
    refuse("(1)(2)", "write '*'");
    refuse("2 3", "write '*' between the factors");
    refuse("2exp(1)", "write '*'");
    refuse("1!!!!!!", "(n!)!");
    refuse("170!!!", "(n!)!");
}

#[test]
fn foreign_characters_are_named_and_not_repeated() {
    refuse("__import__(\"os\").system(\"id\")", "unknown function '__import__' at column 1");
    refuse("x = 1", "unexpected '=' at column 3");
    refuse("x + 1", "unknown constant 'x' at column 1");
    refuse("system(\"id\")", "unknown function");
    refuse("max(\"id\")", "text is not supported");
    refuse("1 = 1", "without '='");
    refuse("1\u{0}", "U+0000");
    refuse("\u{1F600}", "U+1F600");
    refuse("1 + \u{202E}2", "U+202E at column 5");
    refuse("\u{FF11}", "0 to 9");
    refuse("\u{0661}", "0 to 9");
    refuse("5²", "^");
    refuse("√4", "sqrt");
    refuse("{1}", "parentheses");
}

#[test]
fn names_are_corrected() {
    refuse("sqr(4)", "unknown function 'sqr' at column 1; did you mean 'sqrt'?");
    refuse("Sin(1)", "did you mean 'sin'?");
    refuse("1 + PI", "unknown constant 'PI' at column 5; did you mean 'pi'?");
    refuse("sin", "write sin(...)");
    refuse("pi(2)", "write pi * (...)");
    refuse("zzzzzzzz(1)", "the functions are abs");
    refuse(&"a".repeat(4000), "aaa...");
    refuse("sqrt()", "sqrt at column 1 takes 1 argument, not 0");
    refuse("atan2(1)", "takes 2 arguments, not 1");
    refuse("round(1, 2, 3)", "takes 1 to 2 arguments, not 3");
    refuse("min()", "takes at least 1 argument, not 0");
}

#[test]
fn undefined_results_name_the_function() {
    refuse("1/0", "division by zero at column 2");
    refuse("0/0", "division by zero");
    refuse("0^-1", "division by zero");
    refuse("1 % 0", "division by zero");
    refuse("(pi-pi)^-0.5", "division by zero");
    refuse("sqrt(-1)", "sqrt at column 1: an even root");
    refuse("(-8)^(1/3)", "cbrt(x)");
    refuse("ln(0)", "ln at column 1: needs numbers above 0");
    refuse("log(8, 1)", "must not be 1");
    refuse("log(-1)", "above 0");
    refuse("asin(2)", "-1 to 1");
    refuse("acos(-1.0000001)", "-1 to 1");
    refuse("acosh(0.5)", "1 or more");
    refuse("atanh(1)", "between -1 and 1");
    refuse("tan(pi/2)", "odd multiples");
    refuse("atan2(0, 0)", "no angle");
    refuse("(-1)!", "0 or more");
    refuse("0.5!", "exact integers");
    refuse("gcd(1.5, 2)", "exact integers");
    refuse("root(2, 0)", "degree");
    refuse("root(2, 1/2)", "exact integers");
    refuse("sin(10^400)", "too large");
    refuse("sin(exp(1000))", "too large");
}

#[test]
fn costly_input_is_refused_before_the_work() {
    let towers = [
        "9^9^9^9",
        "2^100000000000",
        "2^(2^100)",
        "1e999999999",
        "1e99999999999999999999999",
        "1e-999999999",
        "1/3^99999999",
        "99999999!",
        "(10^30)!",
        "99999999!!",
        "comb(10^9, 5*10^8)",
        "perm(10^9, 10^8)",
        "comb(10^40, 10^20)",
        "exp(10^9)",
        "exp(-10^9)",
        "exp(exp(100))",
        "cosh(10^9)",
        "pi^10^9",
        "round(1, 10^9)",
        "2.5^10^18",
    ];
    for expression in towers {
        // A budget of this size would not cover any of them even in part.
        let limits = Limits { max_work: 200_000, ..Limits::default() };
        let error = evaluate(expression, &limits).map(|answer| answer.value).unwrap_err();
        assert!(matches!(error, EvalError::TooLarge { .. }), "{expression}: {error}");
    }
}

#[test]
fn repeated_large_operations_exhaust_the_budget() {
    let chain = format!("lcm({})", vec!["3^40000 - 1, 5^27000 + 1"; 60].join(", "));
    let squares = vec!["3^80000"; 300].join(" - ");
    let divided = vec!["(3^40000 / 7^20000)"; 100].join(" + ");
    let digits = vec!["approx(3^80000)"; 200].join(" + ");
    let combs = vec!["comb(20000, 10000)"; 100].join(" - ");
    for expression in [chain, squares, divided, digits, combs] {
        let error = eval(&expression).map(|answer| answer.work).unwrap_err();
        let spent = matches!(error, EvalError::TooMuchWork { .. } | EvalError::TooLarge { .. });
        assert!(spent, "{expression:.40}: {error}");
    }
}

#[test]
fn a_smaller_budget_refuses_what_a_larger_one_allows() {
    let mut limits = Limits::default();
    let work = evaluate("300! / 7^200", &limits).unwrap().work;
    limits.max_work = work;
    assert_eq!(evaluate("300! / 7^200", &limits).unwrap().work, work);
    limits.max_work = work - 1;
    let error = evaluate("300! / 7^200", &limits).unwrap_err();
    assert!(matches!(error, EvalError::TooMuchWork { .. }), "{error}");
}

#[test]
fn long_results_are_refused_with_a_way_out() {
    refuse("2^40000", "wrap the expression in approx(...)");
    assert_eq!(eval("10^9999").unwrap().value.len(), 10_000);
    refuse("10^10000", "more than 10000 digits");
    assert!(eval("-10^9999").is_ok(), "a sign is not a digit");
}

#[test]
fn nesting_is_bounded_whatever_the_limits_say() {
    refuse(&"(".repeat(4096), "deeper than 200 levels");
    refuse(&"-".repeat(4096), "deeper than 200 levels");
    refuse(&vec!["1"; 2000].join("^"), "deeper than 200 levels");
    refuse(&"abs(".repeat(1000), "deeper than 200 levels");
    refuse(&"sum(1,".repeat(600), "deeper than 200 levels");
    refuse(&"-".repeat(5000), "5000 bytes and the limit is 4096");
    refuse(&"1".repeat(4097), "4097 bytes");
    refuse(&format!("{}1{}", "(".repeat(200), ")".repeat(200)), "deeper");
    assert!(eval(&format!("{}1{}", "(".repeat(199), ")".repeat(199))).is_ok());
    // Chains from the left do not nest, and neither building nor dropping them recurses.
    assert_eq!(eval(&vec!["1"; 2048].join("+")).unwrap().value, "2048");

    let limits =
        Limits { max_depth: usize::MAX, max_expression_bytes: usize::MAX, ..Limits::default() };
    for expression in ["(".repeat(100_000), "-".repeat(100_000), "2^".repeat(100_000)] {
        let error = evaluate(&expression, &limits).unwrap_err();
        assert!(matches!(error, EvalError::TooDeep { limit: 256, .. }), "{error}");
    }
}

#[test]
fn columns_count_characters() {
    assert_eq!(eval("π + π + )").unwrap_err().column(), Some(9));
    assert_eq!(eval("1 + sqr(2)").unwrap_err().column(), Some(5));
    assert_eq!(eval("").unwrap_err().column(), None);
}
