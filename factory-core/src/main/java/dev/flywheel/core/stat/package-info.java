/** Evaluation metrics with confidence intervals and paired comparisons. */
@NullMarked
package dev.flywheel.core.stat;

import org.jspecify.annotations.NullMarked;
