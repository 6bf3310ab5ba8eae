/** Versions and aliases of models, atomic on disk. */
@NullMarked
package dev.flywheel.core.registry;

import org.jspecify.annotations.NullMarked;
