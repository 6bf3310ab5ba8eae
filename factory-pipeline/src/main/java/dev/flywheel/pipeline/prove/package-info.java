/**
 * Proving a version in live traffic: the canary, which grows step by step as long as its measurements hold, and the
 * experiment, which compares versions side by side until the difference is proven. Both are plans, states that survive
 * a restart, and decisions with evidence; time and numbers are handed in, and nothing here runs by itself.
 */
@NullMarked
package dev.flywheel.pipeline.prove;

import org.jspecify.annotations.NullMarked;
