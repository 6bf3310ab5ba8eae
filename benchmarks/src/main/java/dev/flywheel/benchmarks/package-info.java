/** Benchmarks, each beside the limit that it is measured against. */
@NullMarked
package dev.flywheel.benchmarks;

import org.jspecify.annotations.NullMarked;
