/** Failures common to all modules. */
@NullMarked
package dev.flywheel.core;

import org.jspecify.annotations.NullMarked;
