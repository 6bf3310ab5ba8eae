/** Evaluations of candidates, the gates that judge them, data profiles and slices, and the report of a run as HTML. */
@NullMarked
package dev.flywheel.pipeline.evaluate;

import org.jspecify.annotations.NullMarked;
