/** CUDA devices. */
@NullMarked
package dev.flywheel.gpu;

import org.jspecify.annotations.NullMarked;
