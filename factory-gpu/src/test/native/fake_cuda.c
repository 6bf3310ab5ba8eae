/* A libcuda.so.1 without a GPU: compiled with the answers that a test wants. */
#include <string.h>

#ifndef INIT
#define INIT 0
#endif
#ifndef COUNT
#define COUNT 2
#endif

static const char *names[] = {"NVIDIA H200", "NVIDIA H200 MIG 1g.18gb"};

int cuInit(unsigned flags) { return INIT; }

int cuDeviceGetCount(int *count) {
    *count = COUNT;
    return 0;
}

int cuDeviceGet(int *device, int index) {
    *device = 40 + index;
    return 0;
}

int cuDeviceGetName(char *name, int bytes, int device) {
    strncpy(name, names[device - 40], bytes - 1);
    return 0;
}

int cuDeviceTotalMem_v2(size_t *bytes, int device) {
    *bytes = device == 40 ? 150754820096ULL : 18874368000ULL;
    return 0;
}

#ifndef OLD
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) {
    for (int i = 0; i < 16; i++) uuid[i] = (unsigned char) (0xf0 + i - 16 * (device - 40));
    return 0;
}
#endif

/* The pages that are locked, one lock at a time, in a context that has to be current. */
static void *context;
static void *locked;
static unsigned long long lockedBytes;

int cuDevicePrimaryCtxRetain(void **made, int device) {
    *made = (void *) (long) (1000 + device);
    return 0;
}

int cuCtxPushCurrent_v2(void *pushed) {
    context = pushed;
    return 0;
}

int cuCtxPopCurrent_v2(void **popped) {
    *popped = context;
    context = 0;
    return 0;
}

int cuMemHostRegister_v2(void *start, unsigned long long bytes, unsigned flags) {
    if (context != (void *) 1041 || flags != 1) return 201;
    if (locked) return 712;
    locked = start;
    lockedBytes = bytes;
    return 0;
}

int cuMemHostUnregister(void *start) {
    if (context != (void *) 1041) return 201;
    if (locked != start) return 713;
    locked = 0;
    lockedBytes = 0;
    return 0;
}

unsigned long long fakeLockedBytes(void) { return lockedBytes; }
