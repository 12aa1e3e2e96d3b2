import type { PackageCase } from "./package-case.ts";

/** Clients of databases. Each uses a table or a key of its own. */
export const databases: readonly PackageCase[] = [
  {
    name: "pg",
    code: `
      import pg from "pg";
      const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 3 });
      export const add = async (texts) => {
        await pool.query("DROP TABLE IF EXISTS pg_notes; CREATE TABLE pg_notes (id serial, text text, at date)");
        const client = await pool.connect();
        try {
          await client.query("BEGIN");
          for (const text of texts) await client.query("INSERT INTO pg_notes (text) VALUES ($1)", [text]);
          await client.query("COMMIT");
        } finally { client.release(); }
        return (await pool.query("SELECT id, text FROM pg_notes ORDER BY id")).rows;
      };
      export const fail = () => pool.query("SELECT * FROM no_such_table").catch(({ code }) => code);
    `,
    calls: [
      [
        "add",
        [["ä", "b"]],
        [
          { id: 1, text: "ä" },
          { id: 2, text: "b" },
        ],
      ],
      ["fail", [], "42P01"],
    ],
  },
  {
    name: "postgres",
    code: `
      import postgres from "postgres";
      const sql = postgres(process.env.DATABASE_URL, { max: 3, onnotice: () => {} });
      export const add = async (rows) => {
        await sql.unsafe("DROP TABLE IF EXISTS js_notes; CREATE TABLE js_notes (id int, tags jsonb)");
        await sql.begin((sql) => sql\`INSERT INTO js_notes \${sql(rows.map(({ id, tags }) => ({ id, tags: sql.json(tags) })))}\`);
        return [...(await sql\`SELECT id, tags->>0 AS first FROM js_notes WHERE id = ANY(\${[2, 3]})\`)];
      };
      export const notify = async (text) => {
        const { promise, resolve } = Promise.withResolvers();
        const { unlisten } = await sql.listen("news", resolve);
        await sql.notify("news", text);
        try { return await promise; } finally { await unlisten(); }
      };
    `,
    calls: [
      [
        "add",
        [
          [
            { id: 1, tags: ["a"] },
            { id: 2, tags: ["b", "c"] },
          ],
        ],
        [{ id: 2, first: "b" }],
      ],
      ["notify", ["hello"], "hello"],
    ],
  },
  {
    name: "knex",
    beside: ["pg"],
    code: `
      import knex from "knex";
      const database = knex({ client: "pg", connection: process.env.DATABASE_URL, pool: { min: 0, max: 2 } });
      export const add = async (rows) => {
        await database.schema.dropTableIfExists("knex_notes");
        await database.schema.createTable("knex_notes", (table) => {
          table.increments("id");
          table.string("text").notNullable();
        });
        await database("knex_notes").insert(rows);
        return await database("knex_notes").select("id", "text").where("text", "like", "b%");
      };
    `,
    calls: [["add", [[{ text: "a" }, { text: "bc" }]], [{ id: 2, text: "bc" }]]],
  },
  {
    name: "drizzle-orm",
    beside: ["pg"],
    jsEntry: "server.ts",
    code: `
      import { eq, sql } from "drizzle-orm";
      import { drizzle } from "drizzle-orm/node-postgres";
      import { pgTable, serial, text } from "drizzle-orm/pg-core";
      const notes = pgTable("drizzle_notes", { id: serial("id").primaryKey(), text: text("text").notNull() });
      const database = drizzle(process.env["DATABASE_URL"] as string);
      export async function add(texts: string[]): Promise<unknown> {
        await database.execute(sql\`DROP TABLE IF EXISTS drizzle_notes\`);
        await database.execute(sql\`CREATE TABLE drizzle_notes (id serial PRIMARY KEY, text text NOT NULL)\`);
        await database.insert(notes).values(texts.map((text) => ({ text })));
        return await database.select().from(notes).where(eq(notes.text, "b"));
      }
    `,
    calls: [["add", [["a", "b"]], [{ id: 2, text: "b" }]]],
  },
  {
    name: "kysely",
    beside: ["pg"],
    jsEntry: "server.ts",
    code: `
      import { type Generated, Kysely, PostgresDialect } from "kysely";
      import pg from "pg";
      interface Tables { kysely_notes: { id: Generated<number>; text: string } }
      const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"], max: 2 });
      const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
      export async function add(texts: string[]): Promise<unknown> {
        await database.schema.dropTable("kysely_notes").ifExists().execute();
        await database.schema.createTable("kysely_notes")
          .addColumn("id", "serial").addColumn("text", "text").execute();
        await database.insertInto("kysely_notes").values(texts.map((text) => ({ text }))).execute();
        return await database.selectFrom("kysely_notes").selectAll().orderBy("id", "desc").execute();
      }
    `,
    calls: [
      [
        "add",
        [["a", "b"]],
        [
          { id: 2, text: "b" },
          { id: 1, text: "a" },
        ],
      ],
    ],
  },
  {
    name: "typeorm",
    beside: ["pg", "reflect-metadata"],
    jsEntry: "server.ts",
    files: {
      "tsconfig.json": JSON.stringify({
        compilerOptions: {
          target: "es2022",
          module: "nodenext",
          experimentalDecorators: true,
          emitDecoratorMetadata: true,
        },
      }),
      "note.ts": `
        import { Column, Entity, OneToMany, ManyToOne, PrimaryGeneratedColumn } from "typeorm";
        @Entity("typeorm_notes")
        export class Note {
          @PrimaryGeneratedColumn() id!: number;
          @Column() text!: string;
          @Column({ nullable: true }) rank?: number;
          @OneToMany(() => Tag, (tag) => tag.note, { cascade: true }) tags!: Tag[];
        }
        @Entity("typeorm_tags")
        export class Tag {
          @PrimaryGeneratedColumn() id!: number;
          @Column() word!: string;
          @ManyToOne(() => Note, (note) => note.tags) note!: unknown;
        }
      `,
    },
    code: `
      import "reflect-metadata";
      import { DataSource } from "typeorm";
      import { Note, Tag } from "./note";
      const source = new DataSource({
        type: "postgres", url: process.env["DATABASE_URL"], entities: [Note, Tag], synchronize: true, dropSchema: false,
      });
      const ready = source.initialize();
      export async function add(text: string, words: string[]): Promise<unknown> {
        await ready;
        const notes = source.getRepository(Note);
        await source.query("TRUNCATE typeorm_tags, typeorm_notes RESTART IDENTITY");
        await notes.save(notes.create({ text, rank: 7, tags: words.map((word) => ({ word })) }));
        return await notes.find({ relations: { tags: true } });
      }
    `,
    calls: [["add", ["a", ["x"]], [{ id: 1, text: "a", rank: 7, tags: [{ id: 1, word: "x" }] }]]],
  },
  {
    name: "ioredis",
    code: `
      import { Redis } from "ioredis";
      const redis = new Redis(process.env.REDIS_URL, { keyPrefix: "ioredis:" });
      export const count = async (times) => {
        await redis.del("count");
        const pipeline = redis.pipeline();
        for (let i = 0; i < times; i++) pipeline.incr("count");
        await pipeline.exec();
        return await redis.get("count");
      };
      export const hear = async (text) => {
        const subscriber = redis.duplicate();
        const { promise, resolve } = Promise.withResolvers();
        subscriber.on("message", (_, message) => resolve(message));
        await subscriber.subscribe("ioredis-news");
        await redis.publish("ioredis-news", text);
        try { return await promise; } finally { subscriber.disconnect(); }
      };
    `,
    calls: [
      ["count", [5], "5"],
      ["hear", ["hello"], "hello"],
    ],
  },
  {
    name: "redis",
    code: `
      import { createClient } from "redis";
      const redis = createClient({ url: process.env.REDIS_URL });
      await redis.connect();
      export const rank = async (scores) => {
        await redis.del("redis-scores");
        await redis.zAdd("redis-scores", scores);
        return await redis.zRange("redis-scores", 0, 1, { REV: true });
      };
    `,
    calls: [
      [
        "rank",
        [
          [
            { value: "a", score: 1 },
            { value: "b", score: 3 },
            { value: "c", score: 2 },
          ],
        ],
        ["b", "c"],
      ],
    ],
  },
  {
    name: "bullmq",
    beside: ["ioredis"],
    code: `
      import { Queue, QueueEvents, Worker } from "bullmq";
      import { Redis } from "ioredis";
      const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
      export const square = async (number) => {
        const queue = new Queue("squares", { connection });
        const events = new QueueEvents("squares", { connection });
        await events.waitUntilReady();
        const worker = new Worker("squares", async ({ data }) => data.number ** 2, { connection });
        try {
          const job = await queue.add("square", { number });
          return await job.waitUntilFinished(events);
        } finally {
          await Promise.all([worker.close(), events.close(), queue.close()]);
        }
      };
    `,
    calls: [["square", [12], 144]],
  },
];
