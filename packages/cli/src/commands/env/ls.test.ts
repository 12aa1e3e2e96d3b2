import { expect, it } from "vitest";
import { formatEnvironments } from "./ls.ts";

it("an environment is a line with its callers, network and origins", () => {
  expect(
    formatEnvironments([
      {
        environment: "dev.lever",
        services: 2,
        corsOrigins: [],
        public: false,
        network: "internet",
      },
      {
        environment: "prod.lever",
        services: 1,
        corsOrigins: ["https://a.example", "https://b.example"],
        public: true,
        network: ["dns", "192.0.2.7:5432"],
      },
    ]),
  ).toBe(
    `ENVIRONMENT  SERVICES  CALLERS       NETWORK              ORIGINS
dev.lever    2         with a token  internet             none
prod.lever   1         anyone        dns, 192.0.2.7:5432  https://a.example, https://b.example`,
  );
});
