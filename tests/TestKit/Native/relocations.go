// Command relocations tells what cilium/ebpf makes of every CO-RE relocation of BPF objects on a kernel.
//
//	relocations KERNEL.btf OBJECT...
//
// A line for each relocation: object, program, function, instruction within the function, result; or, where the
// program as a whole is refused: object, program, its functions, -1, error and why. Columns are parted by tabs.
package main

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	file, err := os.Open(os.Args[1])
	check(err)
	kernel, err := btf.LoadSpecFromReader(file)
	check(err)
	for _, path := range os.Args[2:] {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			fmt.Fprintf(out, "%s\t\t\t-1\tunreadable %s\n", path, line(err))
			continue
		}
		names := make([]string, 0, len(spec.Programs))
		for name := range spec.Programs {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			program(out, path, spec.Programs[name], kernel)
		}
	}
}

func program(out *bufio.Writer, path string, program *ebpf.ProgramSpec, kernel *btf.Spec) {
	var relocations []*btf.CORERelocation
	var places []string
	functions := map[string]bool{}
	function, start := "", asm.RawInstructionOffset(0)
	for iter := program.Instructions.Iterate(); iter.Next(); {
		if symbol := iter.Ins.Symbol(); symbol != "" {
			function, start = symbol, iter.Offset
		}
		functions[function] = true
		if relocation := btf.CORERelocationMetadata(iter.Ins); relocation != nil {
			relocations = append(relocations, relocation)
			places = append(places, fmt.Sprintf("%s\t%d", function, iter.Offset-start))
		}
	}
	if len(relocations) == 0 {
		return
	}
	fixups, err := btf.CORERelocate(program.BTF, kernel, relocations)
	if err != nil {
		names := make([]string, 0, len(functions))
		for name := range functions {
			names = append(names, name)
		}
		sort.Strings(names)
		fmt.Fprintf(out, "%s\t%s\t%s\t-1\terror %s\n", path, program.Name, strings.Join(names, ","), line(err))
		return
	}
	for i := range fixups {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", path, program.Name, places[i], fixups[i].String())
	}
}

func line(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
