/** Evaluations, gates and the run's report. */
@NullMarked
package dev.flywheel.pipeline.evaluate;

import org.jspecify.annotations.NullMarked;
