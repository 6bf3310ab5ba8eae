/*
 * A management library for GPUs that do not exist. What it answers is scripted, one line for one value:
 *
 *     TARGET KEY KIND VALUE...
 *
 * TARGET is "sys", a GPU ("0") or a slice of one ("0.1"). KIND is
 *     const V          always V
 *     seq V1 V2 ...    one after the other; the last stays
 *     ramp START STEP  more by STEP at each call
 *     rate START R     START plus R for each second since the line was given
 *     text S           the rest of the line
 *     err CODE         the code, and no value
 *     block V          V, after fake_release() was called
 * What no line speaks of answers NOT_SUPPORTED. A symbol is taken away by compiling with -DnvmlX=hidden_nvmlX.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6, INSUFFICIENT_SIZE = 7,
       VERSION_MISMATCH = 25 };
enum kind { CONST, SEQ, RAMP, RATE, TEXT, ERR, BLOCK };

#define MAX_LINES 512
#define MAX_VALUES 96

typedef unsigned long long u64;

typedef struct {
    char target[8];
    char key[32];
    enum kind kind;
    int count;
    u64 whole[MAX_VALUES];
    double real[MAX_VALUES];
    char text[96];
    long calls;
    struct timespec since;
} line_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static line_t lines[MAX_LINES];
static int line_count, inits, samples, blocked, released;
static long calls;

/* ---- layouts, as in nvml.h ---- */

typedef struct { char busIdLegacy[16]; unsigned domain, bus, device, pciDeviceId, pciSubSystemId; char busId[32]; } pci_t;
typedef struct { u64 total, free, used; } memory_t;
typedef struct { unsigned version; u64 total, reserved, free, used; } memory_v2_t;
typedef struct { unsigned gpu, memory; } utilization_t;
typedef struct { unsigned pid; u64 used; unsigned gpuInstance, computeInstance; } process_t;
typedef struct { unsigned sms, copy, decoder, encoder, jpeg, ofa, gpuSlices, computeSlices; u64 memoryMb; } attributes_t;
typedef struct { unsigned version, supported; } support_t;
typedef struct { unsigned id; int code; double value; char *names[3]; } metric_t;
typedef struct { unsigned version, count; void *sample1, *sample2; metric_t metrics[98]; } metrics_t;
typedef struct { char target[8]; } sample_t;

long fake_layout(const char *what) {
#define IS(name, value) if (!strcmp(what, name)) return (long)(value)
    IS("pci.busId", offsetof(pci_t, busId));
    IS("memory.size", sizeof(memory_v2_t));
    IS("memory.total", offsetof(memory_v2_t, total));
    IS("memory.reserved", offsetof(memory_v2_t, reserved));
    IS("memory.free", offsetof(memory_v2_t, free));
    IS("memory.used", offsetof(memory_v2_t, used));
    IS("process.size", sizeof(process_t));
    IS("process.used", offsetof(process_t, used));
    IS("attributes.computeSlices", offsetof(attributes_t, computeSlices));
    IS("gpm.count", offsetof(metrics_t, count));
    IS("gpm.sample1", offsetof(metrics_t, sample1));
    IS("gpm.sample2", offsetof(metrics_t, sample2));
    IS("gpm.metrics", offsetof(metrics_t, metrics));
    IS("gpm.metric.size", sizeof(metric_t));
    IS("gpm.metric.code", offsetof(metric_t, code));
    IS("gpm.metric.value", offsetof(metric_t, value));
#undef IS
    return -1;
}

/* ---- the script ---- */

void fake_reset(void) {
    pthread_mutex_lock(&lock);
    line_count = inits = samples = blocked = released = 0;
    calls = 0;
    pthread_mutex_unlock(&lock);
}

static line_t *find(const char *target, const char *key) {
    for (int i = 0; i < line_count; i++)
        if (lines[i].key[0] == key[0] && !strcmp(lines[i].key, key) && !strcmp(lines[i].target, target))
            return &lines[i];
    return NULL;
}

/* 0, or -1 if the line is none. A later line for the same value takes the place of the earlier. */
int fake_script(const char *script) {
    static const char *kinds[] = {"const", "seq", "ramp", "rate", "text", "err", "block"};
    char target[8], key[32], kind[8];
    int at = 0, k = 0;
    if (sscanf(script, "%7s %31s %7s %n", target, key, kind, &at) != 3 || at == 0) return -1;
    while (k < 7 && strcmp(kinds[k], kind)) k++;
    if (k == 7) return -1;
    pthread_mutex_lock(&lock);
    line_t *line = find(target, key);
    if (!line && line_count < MAX_LINES) line = &lines[line_count++];
    if (line) {
        memset(line, 0, sizeof *line);
        strcpy(line->target, target);
        strcpy(line->key, key);
        line->kind = (enum kind)k;
        snprintf(line->text, sizeof line->text, "%s", script + at);
        clock_gettime(CLOCK_MONOTONIC, &line->since);
        for (const char *p = script + at; k != TEXT && *p && line->count < MAX_VALUES;) {
            char *end;
            line->real[line->count] = strtod(p, &end);
            line->whole[line->count] = strtoull(p, NULL, 10);
            if (end == p) break;
            line->count++;
            p = end;
        }
    }
    pthread_mutex_unlock(&lock);
    return line && (k == TEXT || line->count > 0) ? 0 : -1;
}

static int value(const char *target, const char *key, u64 *whole, double *real, char *text, unsigned length) {
    line_t *line = find(target, key);
    if (!line) return NOT_SUPPORTED;
    long n = line->calls++;
    u64 w = line->whole[0];
    double r = line->real[0];
    struct timespec now;
    switch (line->kind) {
        case ERR: return (int)w;
        case TEXT:
            if (!text) return INVALID_ARGUMENT;
            if (strlen(line->text) + 1 > length) return INSUFFICIENT_SIZE;
            strcpy(text, line->text);
            return OK;
        case SEQ:
            n = n < line->count ? n : line->count - 1;
            w = line->whole[n];
            r = line->real[n];
            break;
        case RAMP:
            w += n * line->whole[1];
            r += n * line->real[1];
            break;
        case RATE:
            clock_gettime(CLOCK_MONOTONIC, &now);
            r += line->real[1] * ((now.tv_sec - line->since.tv_sec) + (now.tv_nsec - line->since.tv_nsec) / 1e9);
            w = (u64)r;
            break;
        case BLOCK:
            blocked++;
            pthread_cond_broadcast(&changed);
            while (!released) pthread_cond_wait(&changed, &lock);
            blocked--;
            break;
        default: break;
    }
    if (text) return INVALID_ARGUMENT;
    if (whole) *whole = w;
    if (real) *real = r;
    return OK;
}

/* Waits until a thread is in a call that blocks. */
void fake_await_blocked(void) {
    pthread_mutex_lock(&lock);
    while (!blocked) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

void fake_release(void) {
    pthread_mutex_lock(&lock);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

/* How many inits have no shutdown yet, samples are not freed, calls were made about devices. */
int fake_inits(void) { return inits; }
int fake_samples(void) { return samples; }
long fake_calls(void) { return calls; }

/* ---- handles: 0x1000 and then one digit for the GPU and one for the slice, from 1 ---- */

static void *handle_of(int gpu, int slice) { return (void *)(intptr_t)(0x1000 + gpu * 16 + slice); }

static int target_of(void *handle, char *target) {
    intptr_t at = (intptr_t)handle - 0x1000;
    if (at < 0 || at > 0xff) return INVALID_ARGUMENT;
    if (at % 16) snprintf(target, 8, "%d.%d", (int)(at / 16), (int)(at % 16) - 1);
    else snprintf(target, 8, "%d", (int)(at / 16));
    return OK;
}

static int of_device(void *device, const char *key, u64 *whole, double *real, char *text, unsigned length) {
    char target[8];
    pthread_mutex_lock(&lock);
    calls++;
    int code = inits <= 0 ? UNINITIALIZED : target_of(device, target);
    if (code == OK) code = value(target, "all", NULL, NULL, NULL, 0);
    if (code == OK || code == NOT_SUPPORTED) code = value(target, key, whole, real, text, length);
    pthread_mutex_unlock(&lock);
    return code;
}

static int number(void *device, const char *key, unsigned *out) {
    u64 whole;
    int code = of_device(device, key, &whole, NULL, NULL, 0);
    if (code == OK) *out = (unsigned)whole;
    return code;
}

/* ---- the system ---- */

int nvmlInit_v2(void) {
    pthread_mutex_lock(&lock);
    int code = value("sys", "init", NULL, NULL, NULL, 0);
    if (code == NOT_SUPPORTED) code = OK;
    if (code == OK) inits++;
    pthread_mutex_unlock(&lock);
    return code;
}

int nvmlShutdown(void) {
    pthread_mutex_lock(&lock);
    int code = inits > 0 ? OK : UNINITIALIZED;
    if (code == OK) inits--;
    pthread_mutex_unlock(&lock);
    return code;
}

const char *nvmlErrorString(int code) {
    switch (code) {
        case 2: return "Invalid Argument";
        case 9: return "Driver Not Loaded";
        case 15: return "GPU is lost";
        case 16: return "GPU requires reset";
        case 18: return "Driver/library version mismatch";
        case 999: return "Unknown Error";
        default: return "Some error";
    }
}

static int of_system(const char *key, u64 *whole, char *text, unsigned length) {
    pthread_mutex_lock(&lock);
    int code = inits <= 0 ? UNINITIALIZED : value("sys", key, whole, NULL, text, length);
    pthread_mutex_unlock(&lock);
    return code;
}

int nvmlSystemGetDriverVersion(char *text, unsigned length) { return of_system("driver", NULL, text, length); }

int nvmlSystemGetCudaDriverVersion_v2(int *version) {
    u64 whole;
    int code = of_system("cuda", &whole, NULL, 0);
    if (code == OK) *version = (int)whole;
    return code;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    u64 whole;
    int code = of_system("count", &whole, NULL, 0);
    if (code == OK) *count = (unsigned)whole;
    return code;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
    unsigned unused;
    int code = number(handle_of((int)index, 0), "handle", &unused);
    if (code == NOT_SUPPORTED) code = OK;
    if (code == OK) *device = handle_of((int)index, 0);
    return code;
}

/* ---- what does not change ---- */

int nvmlDeviceGetName(void *device, char *text, unsigned length) {
    return of_device(device, "name", NULL, NULL, text, length);
}

int nvmlDeviceGetUUID(void *device, char *text, unsigned length) {
    return of_device(device, "uuid", NULL, NULL, text, length);
}

int nvmlDeviceGetPciInfo_v3(void *device, pci_t *pci) {
    memset(pci, 0x55, sizeof *pci);
    return of_device(device, "pci", NULL, NULL, pci->busId, sizeof pci->busId);
}

int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor) {
    u64 whole;
    int code = of_device(device, "capability", &whole, NULL, NULL, 0);
    if (code == OK) *major = (int)(whole / 10), *minor = (int)(whole % 10);
    return code;
}

int nvmlDeviceGetMaxClockInfo(void *device, int clock, unsigned *mhz) {
    return number(device, clock == 1 ? "maxclock.sm" : clock == 2 ? "maxclock.memory" : "?", mhz);
}

/* ---- slices ---- */

int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
    int code = number(device, "mig", current);
    if (code == OK) *pending = *current;
    return code;
}

int nvmlDeviceGetMaxMigDeviceCount(void *device, unsigned *count) { return number(device, "mig.places", count); }

int nvmlDeviceGetMigDeviceHandleByIndex(void *device, unsigned index, void **slice) {
    char target[8], of_slice[16];
    pthread_mutex_lock(&lock);
    int code = target_of(device, target);
    snprintf(of_slice, sizeof of_slice, "%s.%u", target, index);
    if (code == OK && !find(of_slice, "uuid")) code = NOT_FOUND;
    pthread_mutex_unlock(&lock);
    if (code == OK) *slice = (char *)device + index + 1;
    return code;
}

int nvmlDeviceGetGpuInstanceId(void *device, unsigned *id) { return number(device, "instance.gpu", id); }

int nvmlDeviceGetComputeInstanceId(void *device, unsigned *id) { return number(device, "instance.compute", id); }

int nvmlDeviceGetAttributes_v2(void *device, attributes_t *attributes) {
    memset(attributes, 0x55, sizeof *attributes);
    return number(device, "slices", &attributes->computeSlices);
}

/* ---- what changes ---- */

int nvmlDeviceGetMemoryInfo_v2(void *device, memory_v2_t *memory) {
    if (memory->version != (sizeof *memory | 2u << 24)) return VERSION_MISMATCH;
    int code = of_device(device, "memory.total", &memory->total, NULL, NULL, 0);
    if (code == OK) code = of_device(device, "memory.reserved", &memory->reserved, NULL, NULL, 0);
    if (code == OK) code = of_device(device, "memory.used", &memory->used, NULL, NULL, 0);
    if (code == OK) memory->free = memory->total - memory->reserved - memory->used;
    return code;
}

int nvmlDeviceGetMemoryInfo(void *device, memory_t *memory) {
    u64 reserved = 0;
    int code = of_device(device, "memory.total", &memory->total, NULL, NULL, 0);
    if (code == OK) of_device(device, "memory.reserved", &reserved, NULL, NULL, 0);
    if (code == OK) code = of_device(device, "memory.used", &memory->used, NULL, NULL, 0);
    if (code == OK) memory->used += reserved, memory->free = memory->total - memory->used;
    return code;
}

int nvmlDeviceGetUtilizationRates(void *device, utilization_t *utilization) {
    utilization->memory = 0x55;
    return number(device, "utilization", &utilization->gpu);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *mw) { return number(device, "power", mw); }

int nvmlDeviceGetEnforcedPowerLimit(void *device, unsigned *mw) { return number(device, "powerlimit", mw); }

int nvmlDeviceGetTotalEnergyConsumption(void *device, u64 *mj) {
    return of_device(device, "energy", mj, NULL, NULL, 0);
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    return sensor == 0 ? number(device, "temperature", celsius) : INVALID_ARGUMENT;
}

int nvmlDeviceGetClockInfo(void *device, int clock, unsigned *mhz) {
    return number(device, clock == 1 ? "clock.sm" : clock == 2 ? "clock.memory" : "?", mhz);
}

int nvmlDeviceGetCurrentClocksEventReasons(void *device, u64 *bits) {
    return of_device(device, "throttle", bits, NULL, NULL, 0);
}

int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, u64 *bits) {
    return of_device(device, "throttle", bits, NULL, NULL, 0);
}

int nvmlDeviceGetPcieThroughput(void *device, int counter, unsigned *kb) {
    return number(device, counter == 0 ? "pcie.sent" : "pcie.received", kb);
}

/* "processes" says how many; their ids are 1000, 1001, ... and "process.used" what each has used. */
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *count, process_t *infos) {
    unsigned found, room = *count;
    int code = number(device, "processes", &found);
    if (code != OK) return code;
    *count = found;
    if (found > room) return INSUFFICIENT_SIZE;
    for (unsigned i = 0; i < found && code == OK; i++) {
        infos[i].pid = 1000 + i;
        infos[i].gpuInstance = infos[i].computeInstance = 0xffffffffu;
        code = of_device(device, "process.used", &infos[i].used, NULL, NULL, 0);
    }
    return code;
}

/* ---- activity ---- */

int nvmlGpmQueryDeviceSupport(void *device, support_t *support) {
    return support->version == 1 ? number(device, "gpm", &support->supported) : VERSION_MISMATCH;
}

int nvmlGpmSampleAlloc(void **sample) {
    *sample = calloc(1, sizeof(sample_t));
    pthread_mutex_lock(&lock);
    samples++;
    pthread_mutex_unlock(&lock);
    return *sample ? OK : 20;
}

int nvmlGpmSampleFree(void *sample) {
    free(sample);
    pthread_mutex_lock(&lock);
    samples--;
    pthread_mutex_unlock(&lock);
    return OK;
}

int nvmlGpmSampleGet(void *device, sample_t *sample) {
    unsigned supported;
    int code = number(device, "gpm", &supported);
    return code == OK ? target_of(device, sample->target) : code;
}

/* Slices are told by their GPU and the number of their GPU instance. */
int nvmlGpmMigSampleGet(void *device, unsigned instance, sample_t *sample) {
    for (int i = 1; i < 16; i++) {
        unsigned id;
        void *slice = (char *)device + i;
        if (number(slice, "instance.gpu", &id) == OK && id == instance) return target_of(slice, sample->target);
    }
    return NOT_FOUND;
}

int nvmlGpmMetricsGet(metrics_t *get) {
    sample_t *from = get->sample1, *to = get->sample2;
    if (get->version != 1) return VERSION_MISMATCH;
    if (!from || !to || from == to || strcmp(from->target, to->target)) return INVALID_ARGUMENT;
    for (unsigned i = 0; i < get->count; i++) {
        metric_t *metric = &get->metrics[i];
        char key[32];
        snprintf(key, sizeof key, "gpm.%u", metric->id);
        pthread_mutex_lock(&lock);
        metric->code = value(to->target, key, NULL, &metric->value, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return OK;
}
