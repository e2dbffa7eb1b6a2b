//! Tells cargo that the migrations, which live outside this folder, are compiled in.

fn main() {
    println!("cargo::rerun-if-changed=../migrations");
}
