// SPDX-License-Identifier: Apache-2.0
// Threads come from three limits: the affinity mask, the CPU quota of the control group (version 2 `cpu.max`, version 1
// `cpu.cfs_quota_us`; a limit on any ancestor counts too) and OMP_NUM_THREADS, which people set for this purpose.
#include "base/cpu.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__

// The levels comprise more (BMI, LZCNT, MOVBE, F16C), but every processor with these has those.
bool fv__cpu_has_v3(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}

bool fv__cpu_has_v4(void) {
    return fv__cpu_has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

unsigned fv__cpu_enter_flush_denormals(void) {
    enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x40 };
    unsigned mode = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return mode;
}

void fv__cpu_leave_flush_denormals(unsigned mode) {
    __builtin_ia32_ldmxcsr(mode);
}

#else

bool fv__cpu_has_v3(void) {
    return false;
}

bool fv__cpu_has_v4(void) {
    return false;
}

unsigned fv__cpu_enter_flush_denormals(void) {
    return 0;
}

void fv__cpu_leave_flush_denormals(unsigned mode) {
    (void)mode;
}

#endif

// The first line of a file, without its end; false if there is none.
static bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    bool ok = fgets(line, size, file) != NULL;
    fclose(file);
    return ok;
}

static int processors_allowed(void) {
    // More than 1024 processors need a larger mask than cpu_set_t.
    for (int capacity = 1024; capacity <= 1 << 20; capacity *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)capacity);
        if (!set) {
            return 1;
        }
        size_t size = CPU_ALLOC_SIZE((size_t)capacity);
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0) {
            return count;
        }
    }
    return 1;
}

// Processors granted by `quota` of every `period`, rounded up; no limit if either is missing or not positive.
static int granted(long long quota, long long period) {
    if (quota <= 0 || period <= 0) {
        return INT_MAX;
    }
    long long count = quota / period + (quota % period != 0);
    return count < INT_MAX ? (int)count : INT_MAX;
}

static int quota_version2(const char *folder) {
    char path[PATH_MAX + 16], line[64];
    long long quota, period;
    snprintf(path, sizeof path, "%s/cpu.max", folder);
    // "max 100000" or "150000 100000"
    bool limited = read_line(path, line, sizeof line) && sscanf(line, "%lld %lld", &quota, &period) == 2;
    return limited ? granted(quota, period) : INT_MAX;
}

static int quota_version1(const char *folder) {
    char path[PATH_MAX + 32], line[64];
    snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    long long quota = read_line(path, line, sizeof line) ? atoll(line) : -1; // -1: no limit
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    return granted(quota, read_line(path, line, sizeof line) ? atoll(line) : 0);
}

// The tightest quota from the group `path` up to the root of its hierarchy.
static int quota_upwards(const char *root, const char *path, int (*quota)(const char *folder)) {
    char folder[PATH_MAX];
    int length = snprintf(folder, sizeof folder, "%s%s", root, path);
    if (length < 0 || (size_t)length >= sizeof folder) {
        return INT_MAX;
    }
    int tightest = INT_MAX;
    for (;;) {
        int here = quota(folder);
        tightest = here < tightest ? here : tightest;
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + strlen(root)) {
            return tightest;
        }
        *slash = '\0';
    }
}

static int control_group_quota(void) {
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file) {
        return INT_MAX;
    }
    int tightest = INT_MAX;
    char line[PATH_MAX];
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        // number:controllers:/path, version 2 has no controllers
        char *controllers = strchr(line, ':');
        char *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path) {
            continue;
        }
        *path++ = '\0';
        controllers++;
        int here = INT_MAX;
        if (!*controllers) {
            here = quota_upwards("/sys/fs/cgroup", path, quota_version2);
        } else if (strcmp(controllers, "cpu") == 0 || strncmp(controllers, "cpu,", 4) == 0 ||
                   strstr(controllers, ",cpu,") || strcmp(controllers, "cpuacct,cpu") == 0) {
            here = quota_upwards("/sys/fs/cgroup/cpu", path, quota_version1);
        }
        tightest = here < tightest ? here : tightest;
    }
    fclose(file);
    return tightest;
}

// The first number of OMP_NUM_THREADS (which may be a list, one for each level of nesting).
static int threads_wished(void) {
    const char *text = getenv("OMP_NUM_THREADS");
    if (!text) {
        return INT_MAX;
    }
    char *end;
    long count = strtol(text, &end, 10);
    bool valid = end != text && (*end == '\0' || *end == ',') && count > 0 && count < INT_MAX;
    return valid ? (int)count : INT_MAX;
}

int fv__cpu_threads(void) {
    int threads = processors_allowed();
    int quota = control_group_quota();
    int wished = threads_wished();
    threads = quota < threads ? quota : threads;
    return wished < threads ? wished : threads;
}

static char name[128] = "unknown processor";

static void find_name(void) {
    FILE *file = fopen("/proc/cpuinfo", "re");
    if (!file) {
        return;
    }
    char line[256];
    while (fgets(line, sizeof line, file)) {
        char *colon = strncmp(line, "model name", 10) == 0 ? strchr(line, ':') : NULL;
        if (colon) {
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(name, sizeof name, "%s", colon + 1 + strspn(colon + 1, " "));
            break;
        }
    }
    fclose(file);
}

const char *fv__cpu_name(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_name);
    return name;
}
