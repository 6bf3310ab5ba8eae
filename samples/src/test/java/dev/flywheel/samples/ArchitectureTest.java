package dev.flywheel.samples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(packages = "dev.flywheel", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule coreKnowsNobody = noClasses()
            .that()
            .resideInAPackage("dev.flywheel.core..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                    "dev.flywheel.serving..",
                    "dev.flywheel.pipeline..",
                    "dev.flywheel.gpu..",
                    "ai.djl..",
                    "ai.onnxruntime..");

    @ArchTest
    static final ArchRule servingKnowsNoPipelineAndNoArrow = noClasses()
            .that()
            .resideInAPackage("dev.flywheel.serving..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.flywheel.pipeline..", "dev.flywheel.gpu..", "org.apache.arrow..");

    @ArchTest
    static final ArchRule gpuKnowsOnlyCore = noClasses()
            .that()
            .resideInAPackage("dev.flywheel.gpu..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.flywheel.pipeline..", "dev.flywheel.serving..");

    @ArchTest
    static final ArchRule pipelineKnowsNoGpuAndNoArrow = noClasses()
            .that()
            .resideInAPackage("dev.flywheel.pipeline..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("dev.flywheel.gpu..", "dev.flywheel.samples..", "org.apache.arrow..");

    @ArchTest
    static final ArchRule packagesHaveNoCycles = slices().matching("dev.flywheel.(core|serving|pipeline|gpu).(*)..")
            .should()
            .beFreeOfCycles();

    @ArchTest
    static final ArchRule signaturesNameNoLibrary = methods()
            .that()
            .arePublic()
            .and()
            .areDeclaredInClassesThat()
            .arePublic()
            .and()
            .areDeclaredInClassesThat()
            .resideInAnyPackage("dev.flywheel.core..", "dev.flywheel.serving..", "dev.flywheel.pipeline..")
            .should()
            .notHaveRawReturnType(library());

    @ArchTest
    static final ArchRule accessorsHaveNoGet = noMethods()
            .that()
            .arePublic()
            .and()
            .areDeclaredInClassesThat()
            .arePublic()
            .and()
            .areDeclaredInClassesThat()
            .areTopLevelClasses()
            .should()
            .haveNameMatching("(get|set)[A-Z].*");

    @ArchTest
    static final ArchRule libraryWritesNothingToStdout = noClasses()
            .that()
            .resideInAnyPackage(
                    "dev.flywheel.core..", "dev.flywheel.serving..", "dev.flywheel.pipeline..", "dev.flywheel.gpu..")
            .and()
            .doNotHaveSimpleName("VerifyAudit") // a command
            .should()
            .accessField(System.class, "out");

    private static DescribedPredicate<JavaClass> library() {
        return new DescribedPredicate<>("a type of a third-party library") {
            @Override
            public boolean test(JavaClass type) {
                String name = type.getPackageName();
                return name.startsWith("org.apache.arrow")
                        || name.startsWith("ai.djl")
                        || name.startsWith("ai.onnx")
                        || name.startsWith("com.google");
            }
        };
    }
}
