//! A real model answers as a second implementation does.
//!
//! The expected texts were made with llama.cpp (`PyPI`: `llama-cpp-python` 0.3.36, its processor backend), from the same file, greedily,
//! without a penalty for repetition:
//!
//! ```python
//! model = Llama(path, n_ctx=2048, n_threads=1)
//! tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
//! model.generate(tokens, top_k=1, temp=0.0, repeat_penalty=1.0)
//! ```
//!
//! Both round activations to 8 bits before they meet 4-bit weights, but in their own ways, so that sooner or later two tokens that are
//! nearly equally likely change places. Where that happens is in the comment at each text.

use std::path::Path;
use std::sync::OnceLock;

use walras_kernels::model::Llama;
use walras_kernels::smollm;

/// The model, fetched and read once for all tests, or `None` where it cannot be fetched.
fn model() -> Option<&'static Llama> {
    static MODEL: OnceLock<Option<Llama>> = OnceLock::new();
    let read = || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("smollm2");
        match smollm::weights(&folder) {
            Ok(path) => Some(Llama::read(&path).expect("a model of the Llama architecture")),
            Err(error) => {
                eprintln!(
                    "SKIPPED: the real model was not run, because its weights are missing: {error:#}"
                );
                None
            }
        }
    };
    MODEL.get_or_init(read).as_ref()
}

#[test]
fn the_real_model_answers_as_llama_cpp_does() {
    let Some(model) = model() else { return };
    let question =
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n";
    // The 34th token is ` conducted` here and ` identified` there.
    let answer = "The capital of France is Paris.\nsystem\n\nuser\nI'm planning to launch a new product in the market. \
                  I've already";
    assert_eq!(model.complete(question, 33).expect("an answer"), answer);
    // The 21st is ` dollars` here and `0` there.
    let continuation = " is 1000 dollars. If the market price of a computing hour is 10";
    let price = "The market price of a computing hour";
    assert_eq!(model.complete(price, 20).expect("an answer"), continuation);
    // The 14th is ` and` here and ` which` there.
    let continuation = " of goods were rising due to the introduction of the new currency,";
    let walras = "In 1874 Léon Walras wrote that prices";
    assert_eq!(model.complete(walras, 13).expect("an answer"), continuation);
}

/// The tokens that llama.cpp makes of the prompts: names of roles, digits one by one, accents in bytes.
#[test]
fn text_is_split_as_llama_cpp_does() {
    let Some(model) = model() else { return };
    let tokens = |text| model.tokens(text).expect("tokens");
    assert_eq!(
        tokens(
            "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"
        ),
        [
            1, 4093, 198, 1780, 314, 260, 3575, 282, 4649, 47, 2, 198, 1, 520, 9531, 198
        ]
    );
    assert_eq!(
        tokens("In 1874 Léon Walras wrote that prices"),
        [
            788, 216, 33, 40, 39, 36, 450, 2756, 258, 9776, 5541, 4150, 338, 5770
        ]
    );
}

/// A prompt in one step or token by token, alone or in a batch, gives the same next token.
#[test]
fn batches_and_chunks_change_nothing() {
    let Some(model) = model() else { return };
    let prompts = ["Water boils at", "The three primary colours are red,"];
    let prompts = prompts.map(|prompt| model.tokens(prompt).expect("tokens"));
    let alone = prompts.clone().map(|tokens| {
        let mut sequence = model.sequence(16);
        let steps = tokens
            .chunks(1)
            .map(|token| model.step(&mut [(&mut sequence, token)]));
        let logits = steps.last().expect("a token").expect("a step");
        walras_kernels::kernels::argmax(&logits).expect("logits")[0]
    });
    let (mut first, mut second) = (model.sequence(16), model.sequence(16));
    let mut batch = [
        (&mut first, prompts[0].as_slice()),
        (&mut second, prompts[1].as_slice()),
    ];
    let logits = model.step(&mut batch).expect("a step");
    assert_eq!(
        walras_kernels::kernels::argmax(&logits).expect("logits"),
        alone
    );
}
