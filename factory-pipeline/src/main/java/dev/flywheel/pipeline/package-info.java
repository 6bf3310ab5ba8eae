/** Pipelines, the factory that runs them, and what is running. */
@NullMarked
package dev.flywheel.pipeline;

import org.jspecify.annotations.NullMarked;
