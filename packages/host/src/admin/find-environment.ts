import { LeverError } from "@leveros/protocol";
import type { Router } from "../router/router.ts";

type EnvironmentRoutes = NonNullable<ReturnType<Router["environment"]>>;

/** @throws LeverError `unknown_environment` */
export function findEnvironment(router: Router, environment: string): EnvironmentRoutes {
  const routes = router.environment(environment);
  if (routes !== undefined) return routes;
  throw new LeverError("unknown_environment", `There is no environment ${environment}.`);
}
