/** The audit log: who did what to the factory, when, why and on what evidence, so that nobody can change it unseen. */
@NullMarked
package dev.flywheel.core.audit;

import org.jspecify.annotations.NullMarked;
