/**
 * How requests of many callers share the runs of an engine. Internal but for {@link Priority}: public for the packages
 * beside it, and free to change; an {@code Endpoint} is what applications use.
 */
@NullMarked
package dev.flywheel.serving.batch;

import org.jspecify.annotations.NullMarked;
