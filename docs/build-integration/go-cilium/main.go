// Loads the probe with the BTF of the running kernel: its own, else what btf-fetch left ($BTF_FILE_PATH), else what was
// embedded at build time. Then it executes a child and prints who its parent was, by the probe.
package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path"
	"strings"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

//go:embed probe.bpf.o
var object []byte

//go:embed btfs
var btfs embed.FS

func text(bytes []int8) string {
	var s strings.Builder
	for _, b := range bytes {
		if b == 0 {
			break
		}
		s.WriteByte(byte(b))
	}
	return s.String()
}

// osRelease returns a value of os-release without its quotes.
func osRelease(name string) string {
	content, _ := os.ReadFile("/etc/os-release")
	for _, line := range strings.Split(string(content), "\n") {
		if strings.HasPrefix(line, name+"=") {
			return strings.Trim(line[len(name)+1:], "\"'")
		}
	}
	return ""
}

// chooseBTF returns nil for the kernel's own.
func chooseBTF() (*btf.Spec, error) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); err == nil {
		return nil, nil
	}
	if file := os.Getenv("BTF_FILE_PATH"); file != "" {
		return btf.LoadSpec(file)
	}
	var host syscall.Utsname
	if err := syscall.Uname(&host); err != nil {
		return nil, err
	}
	name := path.Join("btfs", osRelease("ID"), osRelease("VERSION_ID"), text(host.Machine[:]), text(host.Release[:])+".btf")
	content, err := btfs.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no BTF of this kernel: %s", name)
	}
	return btf.LoadSpecFromReader(bytes.NewReader(content))
}

func main() {
	if len(os.Args) > 1 {
		return // The child.
	}
	types, err := chooseBTF()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		log.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		log.Fatal(err)
	}
	probe, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{KernelTypes: types}})
	if err != nil {
		log.Fatal(err)
	}
	defer probe.Close()
	attached, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: "sched_process_exec", Program: probe.Programs["on_exec"]})
	if err != nil {
		log.Fatal(err)
	}
	defer attached.Close()
	child := exec.Command("/proc/self/exe", "child")
	if err := child.Run(); err != nil {
		log.Fatal(err)
	}
	var parent uint32
	if err := probe.Maps["parents"].Lookup(uint32(child.Process.Pid), &parent); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("parent %d of %d\n", parent, os.Getpid())
	if int(parent) != os.Getpid() {
		os.Exit(1)
	}
}
