//! Loads the probe with the BTF of the running kernel: its own, else what btf-fetch left ($BTF_FILE_PATH), else what was
//! embedded at build time. Then it executes a child and prints who its parent was, by the probe.
use std::ffi::{c_char, c_int, c_void, CString};
use std::path::Path;
use std::process::{exit, Command};
use std::{env, fs, mem, ptr};

static OBJECT: &[u8] = include_bytes!("probe.bpf.o");
static BTFS: &[u8] = include_bytes!("btfs.tar");

/// libbpf's, up to the last member that is set here; `size` tells it so.
#[repr(C)]
struct OpenOptions {
    size: usize,
    object_name: *const c_char,
    relaxed_maps: bool,
    pin_root_path: *const c_char,
    reserved: u32,
    kconfig: *const c_char,
    btf_custom_path: *const c_char,
}

#[link(name = "bpf", kind = "static")]
#[link(name = "elf", kind = "static")]
#[link(name = "z", kind = "static")]
extern "C" {
    fn bpf_object__open_mem(bytes: *const c_void, size: usize, options: *const OpenOptions) -> *mut c_void;
    fn bpf_object__load(object: *mut c_void) -> c_int;
    fn bpf_object__next_program(object: *mut c_void, previous: *mut c_void) -> *mut c_void;
    fn bpf_object__find_map_fd_by_name(object: *mut c_void, name: *const c_char) -> c_int;
    fn bpf_program__attach(program: *mut c_void) -> *mut c_void;
    fn bpf_map_lookup_elem(map: c_int, key: *const c_void, value: *mut c_void) -> c_int;
}

/// A value of os-release without its quotes.
fn os_release(name: &str) -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches(['"', '\''].as_slice()).to_owned()
}

/// The member of an ustar archive: headers of 512 bytes, each followed by its content in blocks of as many.
fn find<'a>(mut tar: &'a [u8], name: &str) -> Option<&'a [u8]> {
    while tar.len() >= 512 && tar[0] != 0 {
        let text = |field: &'a [u8]| std::str::from_utf8(field).unwrap_or_default().trim_end_matches('\0').trim();
        let size = usize::from_str_radix(text(&tar[124..136]), 8).ok()?;
        if text(&tar[..100]) == name {
            return tar.get(512..512 + size);
        }
        tar = tar.get(512 + (size + 511) / 512 * 512..)?;
    }
    None
}

/// Path of the BTF to load with; none for the kernel's own.
fn choose_btf() -> Option<String> {
    if Path::new("/sys/kernel/btf/vmlinux").exists() {
        return None;
    }
    if let Ok(path) = env::var("BTF_FILE_PATH") {
        return Some(path);
    }
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let name = format!("{}/{}/{}/{}.btf", os_release("ID"), os_release("VERSION_ID"), env::consts::ARCH, release.trim());
    let Some(btf) = find(BTFS, &name) else {
        eprintln!("no BTF of this kernel: {name}");
        exit(3);
    };
    let path = format!("/tmp/probe-{}.btf", std::process::id());
    fs::write(&path, btf).expect("the BTF can be written");
    Some(path)
}

fn main() {
    if env::args().count() > 1 {
        return; // The child.
    }
    let path = choose_btf();
    let custom = path.as_ref().map(|path| CString::new(path.as_str()).unwrap());
    let options = OpenOptions {
        size: mem::size_of::<OpenOptions>(),
        object_name: ptr::null(),
        relaxed_maps: false,
        pin_root_path: ptr::null(),
        reserved: 0,
        kconfig: ptr::null(),
        btf_custom_path: custom.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
    };
    // SAFETY: the object and all strings outlive the calls, and libbpf owns what it returns.
    let object = unsafe {
        let object = bpf_object__open_mem(OBJECT.as_ptr().cast(), OBJECT.len(), &options);
        if object.is_null() || bpf_object__load(object) != 0 || bpf_program__attach(bpf_object__next_program(object, ptr::null_mut())).is_null() {
            exit(1);
        }
        object
    };
    if let Some(path) = path.filter(|path| path.starts_with("/tmp/")) {
        let _ = fs::remove_file(path);
    }
    let mut child = Command::new("/proc/self/exe").arg("child").spawn().expect("a child starts");
    let (pid, mut parent) = (child.id(), 0u32);
    child.wait().expect("the child ends");
    // SAFETY: key and value have the map's sizes.
    unsafe {
        let map = bpf_object__find_map_fd_by_name(object, CString::new("parents").unwrap().as_ptr());
        bpf_map_lookup_elem(map, ptr::addr_of!(pid).cast(), ptr::addr_of_mut!(parent).cast());
    }
    println!("parent {parent} of {}", std::process::id());
    exit(i32::from(parent != std::process::id()));
}
