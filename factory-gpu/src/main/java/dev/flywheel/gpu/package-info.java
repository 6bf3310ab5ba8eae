/** CUDA devices: found, fed with libraries ({@link dev.flywheel.gpu.CudaNatives}), measured and shared. */
@NullMarked
package dev.flywheel.gpu;

import org.jspecify.annotations.NullMarked;
