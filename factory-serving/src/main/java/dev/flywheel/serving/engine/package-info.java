/** Engines that run model files. */
@NullMarked
package dev.flywheel.serving.engine;

import org.jspecify.annotations.NullMarked;
