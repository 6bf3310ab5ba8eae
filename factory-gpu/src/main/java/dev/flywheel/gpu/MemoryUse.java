package dev.flywheel.gpu;

import java.util.OptionalLong;

/**
 * What the driver says of a device's memory. Immutable.
 *
 * @param totalBytes all of it
 * @param usedBytes what anybody holds
 * @param ownBytes what this process holds; empty where the driver cannot tell
 */
record MemoryUse(long totalBytes, long usedBytes, OptionalLong ownBytes) {}
