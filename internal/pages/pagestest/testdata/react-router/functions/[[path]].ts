import { createPagesFunctionHandler } from "@react-router/cloudflare";
// @ts-ignore: it is built.
import * as build from "../build/server";

export const onRequest = createPagesFunctionHandler({ build });
