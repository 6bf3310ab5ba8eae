/** A factory's home directory, and in it the versions and aliases of each pipeline's models. */
@NullMarked
package dev.flywheel.core.registry;

import org.jspecify.annotations.NullMarked;
