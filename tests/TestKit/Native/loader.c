/*
 * Loads BPF objects by libbpf with a kernel's BTF from a file (btf_custom_path), as a program does that brings minimal BTF along.
 *
 *   loader relocations OBJECT BTF                        libbpf's log, with the value of each relocation
 *   loader run OBJECT BTF PROGRAM TRACEPOINT|- IN SIZE   a selftest of CO-RE: hex into its data.in, SIZE bytes of data.out as hex
 *   loader verdicts OBJECT BTF                           each program loaded alone: "PROGRAM ok", "PROGRAM core" (refused for a relocation), "PROGRAM other"
 *   loader attach OBJECT BTF                             "attached N of M": every program that can be attached by its section's name
 *   loader execsnoop OBJECT BTF                          libbpf-tools' execsnoop on a child of this process: "ppid P of Q"
 *
 * BTF is - for the running kernel's own. Status 0: done; 1: the object cannot be loaded, "failed: ERRNO STEP" on the output; 2: wrong use.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool verbose;

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (!verbose && level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(verbose ? stdout : stderr, format, arguments);
}

static int failed(const char *step)
{
	printf("failed: %d %s\n", errno, step);
	return 1;
}

static struct bpf_object *open_object(const char *path, const char *btf)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .btf_custom_path = strcmp(btf, "-") ? btf : NULL);

	return bpf_object__open_file(path, &options);
}

/* Relocations are applied before the kernel sees a program, so it does not matter whether it takes them. */
static int relocations(const char *path, const char *btf)
{
	struct bpf_program *program;
	struct bpf_object *object;

	verbose = true;
	object = open_object(path, btf);
	if (!object)
		return failed("open");
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, true);
	if (bpf_object__load(object))
		return failed("load");
	return 0;
}

static bool is_core_failure;

static int find_core_failure(enum libbpf_print_level level, const char *format, va_list arguments)
{
	static char text[1 << 20];

	vsnprintf(text, sizeof(text), format, arguments);
	/* What libbpf makes of the verifier's word on a poisoned instruction, that word itself, and libbpf's own refusal. */
	if (strstr(text, "CO-RE relocation>") || strstr(text, "195896080") || strstr(text, "failed to relocate"))
		is_core_failure = true;
	return 0;
}

static int verdicts(const char *path, const char *btf)
{
	struct bpf_program *program, *each;
	struct bpf_object *object;
	int i, count = 0;

	libbpf_set_print(find_core_failure);
	for (i = 0; i == 0 || i < count; i++) {
		object = open_object(path, btf);
		if (!object)
			return failed("open");
		count = 0;
		program = NULL;
		bpf_object__for_each_program(each, object) {
			bpf_program__set_autoload(each, count == i);
			if (count++ == i)
				program = each;
		}
		if (!program)
			return 0;
		is_core_failure = false;
		printf("%s %s\n", bpf_program__name(program), !bpf_object__load(object) ? "ok" : is_core_failure ? "core" : "other");
		bpf_object__close(object);
	}
	return 0;
}

/* What the selftests of CO-RE have in their .bss (tools/testing/selftests/bpf/prog_tests/core_reloc.c). */
struct data {
	char in[256];
	char out[256];
	bool skip;
	unsigned long long my_pid_tgid;
};

static struct data *map_data(struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".bss");
	void *data;

	if (!map)
		return NULL;
	data = mmap(NULL, getpagesize(), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return data == MAP_FAILED ? NULL : data;
}

static int run(const char *path, const char *btf, const char *name, const char *tracepoint, const char *input, int size)
{
	struct bpf_object *object = open_object(path, btf);
	struct bpf_program *program;
	struct data *data;
	int i;

	if (!object)
		return failed("open");
	program = bpf_object__find_program_by_name(object, name);
	if (!program)
		return failed("find the program");
	if (bpf_object__load(object))
		return failed("load");
	data = map_data(object);
	if (!data)
		return failed("map");
	for (i = 0; i < sizeof(data->in) && input[2 * i]; i++)
		sscanf(input + 2 * i, "%2hhx", (unsigned char *)&data->in[i]);
	data->my_pid_tgid = getpid() | (unsigned long long)syscall(SYS_gettid) << 32;
	if (!bpf_program__attach_raw_tracepoint(program, strcmp(tracepoint, "-") ? tracepoint : NULL))
		return failed("attach");
	usleep(1);
	for (i = 0; i < size && i < sizeof(data->out); i++)
		printf("%02x", (unsigned char)data->out[i]);
	printf("\n");
	return 0;
}

static int attach(const char *path, const char *btf)
{
	struct bpf_object *object = open_object(path, btf);
	struct bpf_program *program;
	int attached = 0, count = 0;

	if (!object)
		return failed("open");
	if (bpf_object__load(object))
		return failed("load");
	bpf_object__for_each_program(program, object) {
		count++;
		if (bpf_program__attach(program))
			attached++;
		else
			printf("not attached: %s (%d)\n", bpf_program__section_name(program), errno);
	}
	printf("attached %d of %d\n", attached, count);
	return 0;
}

/* The start of execsnoop's struct event, in all versions. */
struct event {
	int pid;
	int ppid;
};

static void on_event(void *context, int cpu, void *bytes, unsigned int size)
{
	struct event *wanted = context, *event = bytes;

	if (size >= sizeof(*event) && event->pid == wanted->pid)
		wanted->ppid = event->ppid;
}

static int execsnoop(const char *path, const char *btf)
{
	struct bpf_object *object = open_object(path, btf);
	struct event wanted = { .ppid = -1 };
	struct bpf_program *program;
	struct perf_buffer *events;

	if (!object)
		return failed("open");
	if (bpf_object__load(object))
		return failed("load");
	events = perf_buffer__new(bpf_object__find_map_fd_by_name(object, "events"), 16, on_event, NULL, &wanted, NULL);
	if (!events)
		return failed("make the buffer");
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return failed("attach");
	wanted.pid = fork();
	if (wanted.pid == 0) {
		execl("/proc/self/exe", "loader", (char *)NULL);
		_exit(3);
	}
	waitpid(wanted.pid, NULL, 0);
	for (int i = 0; i < 20 && wanted.ppid == -1; i++)
		perf_buffer__poll(events, 100);
	printf("ppid %d of %d\n", wanted.ppid, getpid());
	return 0;
}

int main(int count, char **arguments)
{
	const char *command = count > 3 ? arguments[1] : "";

	libbpf_set_print(print);
	if (!strcmp(command, "relocations"))
		return relocations(arguments[2], arguments[3]);
	if (!strcmp(command, "verdicts"))
		return verdicts(arguments[2], arguments[3]);
	if (!strcmp(command, "run") && count == 8)
		return run(arguments[2], arguments[3], arguments[4], arguments[5], arguments[6], atoi(arguments[7]));
	if (!strcmp(command, "attach"))
		return attach(arguments[2], arguments[3]);
	if (!strcmp(command, "execsnoop"))
		return execsnoop(arguments[2], arguments[3]);
	return 2;
}
