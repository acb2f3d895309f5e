module example.org/probe

go 1.18

require github.com/cilium/ebpf v0.9.1
