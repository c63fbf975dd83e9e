fn main(){ let m = walras_kernels::model::Llama::read(std::path::Path::new(&std::env::args().nth(1).unwrap())).unwrap(); println!("{:?} {:?} {:?}", m.shape, m.layers, m.head);
let p="<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"; println!("{:?}", m.tokens(p)); let t=std::time::Instant::now(); println!("{:?}", m.complete(p, 48).unwrap()); println!("{:?}", t.elapsed());
let p="The market price of a computing hour"; println!("{:?}", m.tokens(p)); println!("{:?}", m.complete(p, 64).unwrap());}
